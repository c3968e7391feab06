// Anything that reads as a table.

import { Grid } from "./grid.tsx";
import { registerView } from "./registry.ts";

registerView("table", ({ view }) => <Grid columns={view.columns} />);
