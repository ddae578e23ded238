"""The outside systems, a folder each: what each offers as a Protocol, and the client that speaks to it.

Errors are those of ``bot.domain.errors``. ``Refused`` is a no with its reason, and asking again will not help;
``Gone``, one of them, means that there is no such thing there any more. ``Unreachable`` means that the system could not
be reached or is in trouble, ``Later`` that it asks for a pause: after these two nobody knows whether it happened, and
the same call may be made again. **Everything that changes something here is safe to repeat**: where the other side has
no idempotency of its own, a call has a ``key`` (the id of the Call that asked for it, say); what it made bears that key
and is looked for first. All times are aware datetimes in UTC.
"""
