"""OpenAI itself, or with `hosts=` any server of its wire; models keep their own names.

It accepts its own keys only. The other address may end in `/v1` or leave it out.
"""

from hfwidgets.providers._openai import TASKS, openai_compatible

provider = openai_compatible("https://api.openai.com", "/v1", *TASKS, routable=False, mapped=False)
