"""The instruments of decommission."""

from libs.common.telemetry.instruments import counter, gauge

KILL_SWITCH = gauge("jianfu_kill_switch", "1 while no call leaves this service.", of="yes or no")
ALARMS = counter(
    "jianfu_case_alarms_total",
    "Times that a person was called, by why.",
    of="alarms",
    labels={"kind": "a kind of alarm"},
)
STEPS = counter("jianfu_case_steps_total", "Steps of cases performed.", of="steps", labels={"step": "a step of a case"})
SETUP_TESTS = counter(
    "jianfu_setup_tests_total",
    "Addresses that were tried, by what was heard.",
    of="tests",
    labels={"what": "what an address is for", "outcome": "what can be heard of it"},
)
