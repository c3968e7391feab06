// The task panels' own part: forms and views of results. Fetched once per page.

import "../task/views/all.ts";

export { makeForm } from "../task/form.ts";
export { makeTalk } from "../chat/tools.ts";
export { makeCompare } from "../task/compare.ts";
export { makeRows } from "../task/rows.ts";
