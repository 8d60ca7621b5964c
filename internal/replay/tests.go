package replay

import (
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/onward-sql/onward/internal/transcript"
	"github.com/onward-sql/onward/internal/workload"
)

// FindTest returns the test that sent a message, or that a session was in at an event; "" if it is unknown. A comment of the statement knows it best.
func FindTest(t *transcript.Transcript, event int) string {
	if event >= len(t.Events) {
		return ""
	}
	if test := workload.ReadTags(findStatementText(t, event)).Test; test != "" {
		return test
	}
	for i := event; i >= 0; i-- {
		if e := &t.Events[i]; e.Session == t.Events[event].Session && e.Source == transcript.Test {
			return string(e.Body)
		}
	}
	return ""
}

// findStatementText returns the text of a statement that a message sends, or executes.
func findStatementText(t *transcript.Transcript, event int) string {
	e := &t.Events[event]
	var execute pgproto3.Execute
	if e.Kind != 'E' || execute.Decode(e.Body) != nil {
		return sentText(e)
	}
	prepared, bound := "", false
	for i := event; i >= 0; i-- {
		x := &t.Events[i]
		if x.Session != e.Session || x.Source != transcript.Client || x.Kind != 'B' && x.Kind != 'P' {
			continue
		}
		first, second := readNames(x)
		switch {
		case x.Kind == 'B' && !bound && first == execute.Portal:
			bound, prepared = true, second
		case x.Kind == 'P' && bound && first == prepared:
			return sentText(x)
		}
	}
	return ""
}
