// The microphone and the camera as far as the front end allows them, and the reason where it does not.

export type Device = "microphone" | "camera";

/** Permissions of the page; not all browsers have them. */
interface Policy {
  allowsFeature(name: string): boolean;
}

declare global {
  interface Document {
    featurePolicy?: Policy;
  }
}

/** Why a device cannot be used here; empty when it can be asked for. */
export function whyBlocked(device: Device): string {
  const instead = device === "microphone" ? "an audio file" : "an image";
  if (!globalThis.isSecureContext) {
    return `The ${device} needs a page on https or localhost. Choose or drop ${instead} instead.`;
  }
  const isRefused = document.featurePolicy ? !document.featurePolicy.allowsFeature(device) : false;
  if (!navigator.mediaDevices?.getUserMedia || isRefused) {
    return `This front end does not allow the ${device} (VS Code blocks it). Choose or drop ${instead} instead.`;
  }
  return "";
}

export async function openDevice(device: Device): Promise<MediaStream> {
  const why = whyBlocked(device);
  if (why) throw new Error(why);
  const wanted = device === "microphone" ? { audio: true } : { video: true };
  try {
    return await navigator.mediaDevices.getUserMedia(wanted);
  } catch (error) {
    throw new Error(describeRefusal(device, error instanceof DOMException ? error.name : ""));
  }
}

function describeRefusal(device: Device, name: string): string {
  if (name === "NotAllowedError") return `The ${device} was refused: allow it for this page and try again.`;
  if (name === "NotFoundError") return `No ${device} was found.`;
  return `The ${device} cannot be used: another program may hold it.`;
}
