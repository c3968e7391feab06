// Addresses of files for images and players.

const PIXEL = "R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==";
let probe: Promise<boolean> | undefined;

/** True if the page's Content Security Policy lets images come from blob:. */
function allowsBlobs(): Promise<boolean> {
  return (probe ??= new Promise((resolve) => {
    const bytes = Uint8Array.from(atob(PIXEL), (letter) => letter.charCodeAt(0));
    const image = new Image();
    image.onload = () => resolve(true);
    image.onerror = () => resolve(false);
    image.src = URL.createObjectURL(new Blob([bytes], { type: "image/gif" }));
  }));
}

/** The address of a file; it holds the file itself where pages may not refer to what they hold. */
export async function addressOf(file: Blob): Promise<string> {
  if (await allowsBlobs()) return URL.createObjectURL(file);
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(new Error("The file cannot be read."));
    reader.readAsDataURL(file);
  });
}
