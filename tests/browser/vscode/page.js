// A page that shows widgets as VS Code's notebooks do: its renderer of ipywidgets on a real kernel.

import { activate } from "./ipywidgets.js";
import { KernelManager, ServerConnection } from "./services.js";

const WIDGET = "application/vnd.jupyter.widget-view+json";
const { token } = document.body.dataset;
const serverSettings = ServerConnection.makeSettings({
  baseUrl: `${location.origin}/`,
  wsUrl: `${location.origin.replace("http", "ws")}/`,
  token,
  appendToken: true,
});

activate();
globalThis.vscIPyWidgets8.load();
globalThis.requirejs.config({ baseUrl: "/vscode", paths: { anywidget: "./anywidget" } });

const manager = new KernelManager({ serverSettings });
const kernel = await manager.startNew({ name: "python3" }, { handleComms: true });
// Raw kernels of VS Code have no subshells.
kernel.commsOverSubshells = "disabled";
const widgets = new globalThis.vscIPyWidgets.WidgetManager(
  kernel,
  undefined,
  {
    widgetsRegisteredInRequireJs: new Set(["anywidget"]),
    loadWidgetScript: async () => undefined,
    successHandler: () => undefined,
    errorHandler: (...what) => console.error("widget", ...what),
  },
  console.log,
);

async function show(data, cell) {
  const box = document.createElement("div");
  box.className = "cell-output-ipywidget-background";
  cell.append(box);
  if (data[WIDGET]) {
    const model = await widgets.get_model(data[WIDGET].model_id);
    const view = await widgets.create_view(model, { el: box });
    await widgets.display_view(data, view, { node: box });
  } else if (data["text/html"]) {
    box.innerHTML = data["text/html"];
  } else {
    box.textContent = data["text/plain"] ?? "";
  }
}

/** Run a cell, show its outputs; the promise is the status of its reply. */
globalThis.run = async (code) => {
  const cell = document.createElement("section");
  document.body.append(cell);
  const future = kernel.requestExecute({ code });
  future.onIOPub = ({ header, content }) => {
    if (header.msg_type === "display_data" || header.msg_type === "execute_result") void show(content.data, cell);
    if (header.msg_type === "stream") cell.append(content.text);
    if (header.msg_type === "error") cell.append(content.traceback.join("\n"));
  };
  return (await future.done).content.status;
};
globalThis.stopKernel = () => kernel.shutdown();
globalThis.isReady = true;
