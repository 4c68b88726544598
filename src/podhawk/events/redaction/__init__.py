"""Redaction: secret values are masked in whatever is kept or shown; keys, names and commands stay.

`Redaction` (`mask`) turns a value into a keyed hash, or into a constant where no key is configured. What is masked:

* `objects`: values inside objects of the API, by what the object is: Secrets in every form (single, in lists and
  tables, as patches, as copies in annotations), tokens of TokenRequests and TokenReviews, variables and commands of
  containers.
* `text`: values inside text, by patterns: options, assignments, headers, URLs, tokens that have a known form.
* `uri`: query parameters, and the commands of exec.
* `record`: a whole audit event, which is where the three come together.

It happens where events are made (`podhawk.events.assemble`), if the options of reading ask for it. So all that follows
sees redacted events only, and there is no path around it. `search` and `run --rows` do not ask for it.
"""
