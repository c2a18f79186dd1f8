"""From a file that somebody wrote to a `Plan`. Private to `fsm.plan`; the way in is `load.py`.

`authored` says what may be typed; `forms`, `values` and `wording` say kindly what is wrong with it; `roster`
knows the steps by name; `parameters`, `texts` and `commands` resolve what is in them; `expand` spells out the
short forms; `phases` reads S3's specifications; `findings` gathers every problem on the way. `skilled` holds
calls of skills to what these say; `skill_file` reads a skill's own file, whose shapes are `authored_skill`.
"""
