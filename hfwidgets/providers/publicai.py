"""Public AI's inference utility."""

from hfwidgets.providers._openai import compatible

provider = compatible("https://api.publicai.co")
