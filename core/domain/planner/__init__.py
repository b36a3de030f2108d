"""The planner: what is due next, and why (Rules 1.5, 4.3, 5.4, 5.7, 12, 13).

E−14       E−7        E−5 E−3 E−1   E   E+1                     E+29
notice     renew      retries       |   expire                  end

A subscription has exactly one next step until it is TERMINATED. Notices are planned beside it,
because they change nothing. The planner is the only place that knows these offsets. The workflow,
the simulator and the forecast ask it.

| file | rule |
|---|---|
| next_step.py | 1.5: the next step of a subscription |
| renewals.py | 5.1, 5.4: the renewal date and the retry days |
| attempt_at_once.py | 5.7: the attempt that a command sets off |
| trial_end.py | 4.3: a trial is converted or expires |
| expiry.py | 1.5: the expiry and the end on day 29 |
| same_instant_order.py | 1.7: the order of what is due at one instant |
| outage.py | 13: what may still be done after an outage |
| notices.py | 12: notices to the customer |
| schedule.py | the coming steps and notices, one after the other |
"""
