// All views of results; each module registers the kind that it draws.

import "./audio.tsx";
import "./bars.tsx";
import "./boxes.tsx";
import "./cells.tsx";
import "./comparison.tsx";
import "./continuation.tsx";
import "./embedding.tsx";
import "./groups.tsx";
import "./image.tsx";
import "./masks.tsx";
import "./nothing.tsx";
import "./parts.tsx";
import "./predictions.tsx";
import "./spans.tsx";
import "./table.tsx";
import "./text.tsx";
import "./transcript.tsx";
import "./video.tsx";
