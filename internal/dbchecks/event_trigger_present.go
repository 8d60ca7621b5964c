package dbchecks

import (
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

var eventTriggerPresent = &Check{Rule: rule.Rule{
	ID:       "event-trigger-present",
	Category: onward.Configuration, Severity: onward.Info,
	Summary: "Event triggers run at every change of the schema",
	Harm: "What they do happens inside the migration's transaction, with its locks held: " +
		"an error of theirs ends it, time of theirs is time under its locks, and what they change no migration says. " +
		"Extensions and hosting services bring some of their own.",
	Instead: "Know what they do. A superuser can run a migration without them: SET event_triggers = off (from Postgres 17 on), or ALTER EVENT TRIGGER … DISABLE.",
	Manual:  []string{"https://www.postgresql.org/docs/current/event-triggers.html"},
}, Scope: onward.ScopeDatabase, Look: checkEventTriggers}

const eventTriggersSQL = `
SELECT e.evtname::text, e.evtevent::text, e.evtfoid::regproc::text FROM pg_event_trigger e WHERE e.evtenabled NOT IN ('D', 'R') AND e.evtevent <> 'login' ORDER BY 1`

func checkEventTriggers(p *Pass) error {
	var name, event, function string
	return p.Each(eventTriggersSQL, nil, []any{&name, &event, &function}, func() {
		p.AddFinding(onward.Off, name, "event trigger "+name+" runs "+function+" at each "+
			event, "it runs inside the migration: its errors end it, its time is under the migration's locks",
			"nothing, if you know what it does")
	})
}
