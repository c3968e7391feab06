// What the front end allows: the microphone and the camera, and a clear word where it does not.

export type Device = "microphone" | "camera";

interface Policy {
  allowsFeature(name: string): boolean;
}

/** Why a device cannot be used here; empty when it can be asked for. */
export function blocked(device: Device): string {
  const instead = device === "microphone" ? "a sound file" : "a picture";
  if (!globalThis.isSecureContext) {
    return `The ${device} needs a page on https or localhost. Choose or drop ${instead} instead.`;
  }
  const { featurePolicy: policy } = document as { featurePolicy?: Policy };
  const refused = policy ? !policy.allowsFeature(device) : false;
  if (!navigator.mediaDevices?.getUserMedia || refused) {
    return `This front end does not allow the ${device} (VS Code blocks it). Choose or drop ${instead} instead.`;
  }
  return "";
}

export async function open(device: Device): Promise<MediaStream> {
  const why = blocked(device);
  if (why) throw new Error(why);
  const wanted = device === "microphone" ? { audio: true } : { video: true };
  try {
    return await navigator.mediaDevices.getUserMedia(wanted);
  } catch (error) {
    throw new Error(refusal(device, error instanceof DOMException ? error.name : ""));
  }
}

function refusal(device: Device, name: string): string {
  if (name === "NotAllowedError") return `The ${device} was refused: allow it for this page and try again.`;
  if (name === "NotFoundError") return `No ${device} was found.`;
  return `The ${device} cannot be used: another program may hold it.`;
}
