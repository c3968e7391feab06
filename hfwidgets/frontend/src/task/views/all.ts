// All views of results, by the kinds that the kernel names.

import "./bars.ts";
import "./comparison.ts";
import "./embedding.ts";
import "./overlay.ts";
import "./picture.ts";
import "./sound.ts";
import "./spans.ts";
import "./tables.ts";
import "./text.ts";
