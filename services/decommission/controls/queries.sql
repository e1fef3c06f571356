-- name: controls_get()^
select released_until, killed, round_wanted, round_working from controls;

-- name: controls_lock()^
-- Who turns the switch, or records what a start brought, waits for whoever does so at the same time.
select killed from controls for update;

-- name: release_until(until)!
update controls set released_until = greatest(coalesce(released_until, :until), :until), round_wanted = true;

-- name: round_begin()$
-- From here on the round that was asked for is being worked.
update controls set round_wanted = false, round_working = true where round_wanted or round_working returning true;

-- name: round_end()!
update controls set round_working = false where round_working;

-- name: kill_switch(killed)!
update controls set killed = :killed;
