package rehearse

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/redact"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// Statements in functions, DO blocks and dynamic SQL are observed one by one in
// two complementary ways. Both produce messages on the connection itself, in the
// order of execution, at the level INFO, which client_min_messages does not
// suppress.
//
//   - DDL, which takes the strong locks, is not planned, so auto_explain never
//     sees it. An event trigger does, and the context of its notice has the
//     statement's text.
//   - Planned statements do not fire event triggers. auto_explain sees them.
//
// The server's log has neither: it records what a client sent. auto_explain is
// on for DO, CALL and SELECT only: on an UPDATE it would report the foreign key
// check of each row.
//
// The functions belong to a superuser and run in an untrusted session: each sets
// its own search_path and qualifies names.
const nestedSetup = `CREATE SCHEMA onward_rehearsal;
GRANT USAGE ON SCHEMA onward_rehearsal TO PUBLIC;
CREATE FUNCTION onward_rehearsal.seen() RETURNS pg_catalog.event_trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $f$ BEGIN
  RAISE INFO USING MESSAGE = pg_catalog.concat('onward-rehearsal ', TG_EVENT), DETAIL = TG_TAG, HINT = pg_catalog.date_part('epoch', pg_catalog.clock_timestamp())::pg_catalog.text;
END $f$;
CREATE FUNCTION onward_rehearsal.explain(wanted boolean) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$ BEGIN
  IF wanted THEN
    EXECUTE 'LOAD ''auto_explain''';
    PERFORM pg_catalog.set_config('auto_explain.log_nested_statements', 'on', false), pg_catalog.set_config('auto_explain.log_level', 'info', false),
      pg_catalog.set_config('auto_explain.log_format', 'json', false), pg_catalog.set_config('auto_explain.log_min_duration', '0', false);
  ELSE
    PERFORM pg_catalog.set_config('auto_explain.log_min_duration', '-1', false);
  END IF;
  RETURN true;
EXCEPTION WHEN OTHERS THEN RETURN false;
END $f$;
CREATE EVENT TRIGGER onward_rehearsal_start ON ddl_command_start EXECUTE FUNCTION onward_rehearsal.seen();
CREATE EVENT TRIGGER onward_rehearsal_end ON ddl_command_end EXECUTE FUNCTION onward_rehearsal.seen();`

// mostNested limits how many nested statements of one statement are reported.
const mostNested = 200

// notice is one of these messages.
type notice struct {
	event, text string
	at, took    float64 // seconds; milliseconds
}

// prepareNestedTracing prepares a database, if the release has statements that may run
// others.
func (v *version) prepareNestedTracing(ctx context.Context, db string) error {
	for _, step := range v.steps {
		if step.err == nil && slices.ContainsFunc(step.script.Statements, mayRunNestedSQL) {
			return execAll(ctx, v.server, db, nestedSetup)
		}
	}
	return nil
}

// mayRunNestedSQL reports whether a statement runs code that its text does not show.
func mayRunNestedSQL(s *script.Statement) bool {
	return s.Parent < 0 && (s.Node.GetDoStmt() != nil || s.Node.GetCallStmt() != nil || s.Node.GetSelectStmt() != nil)
}

// setAutoExplain switches auto_explain on or off.
//
// It returns an error only if the server has ended the transaction because of
// it, for example after a timeout. The statement then fails with that error.
func (s *releaseRun) setAutoExplain(ctx context.Context, enabled bool) error {
	if s.skipsNested || s.runner.txStatus() == 'E' {
		return nil
	}
	var works bool
	// No parameters: the session may have settings under which none can be sent.
	err := s.withoutTimeout(ctx, func() error {
		return s.runner.conn.QueryRow(ctx, fmt.Sprintf("SELECT onward_rehearsal.explain(%t)", enabled), anyhow).Scan(&works)
	})
	if err != nil && s.runner.txStatus() == 'E' {
		return err
	}
	if enabled && (err != nil || !works) {
		s.addNote("queries in functions were not seen one by one: this server has no auto_explain")
	}
	return nil
}

// onNotice records a message that the server sends while a statement runs.
func (s *releaseRun) onNotice(n *pgconn.Notice) {
	if len(s.notices) > 2*mostNested {
		return
	}
	if event, ok := strings.CutPrefix(n.Message, "onward-rehearsal "); ok {
		timestamp, _ := strconv.ParseFloat(n.Hint, 64)
		s.notices = append(s.notices, notice{event: event, text: innermostStatement(n.Where), at: timestamp})
		return
	}
	head, plan, ok := strings.Cut(n.Message, "plan:\n")
	if !ok || !strings.HasPrefix(head, "duration: ") {
		return
	}
	var query struct {
		Text string `json:"Query Text"`
	}
	if json.Unmarshal([]byte(plan), &query) != nil || strings.HasPrefix(query.Text, "SELECT onward_rehearsal.") {
		return
	}
	took, _ := strconv.ParseFloat(strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(head), "duration: "), " ms"), 64)
	s.notices = append(s.notices, notice{event: "query", text: query.Text, took: took})
}

// innermostStatement returns the text of the innermost statement of a notice's context,
// or "" if no function ran it.
func innermostStatement(context string) string {
	const begin, end = "SQL statement \"", "\"\nPL/pgSQL function"
	i := strings.Index(context, begin)
	if i < 0 {
		return ""
	}
	text := context[i+len(begin):]
	if j := strings.Index(text, end); j >= 0 {
		return text[:j]
	}
	return strings.TrimSuffix(text, "\"")
}

// nestedStatements returns the statements that were seen inside the last one.
func (s *releaseRun) nestedStatements(st *script.Statement) []onward.NestedStatement {
	var out []onward.NestedStatement
	startByText := map[string]float64{}
	for _, n := range s.notices {
		switch n.event {
		case "ddl_command_start":
			startByText[n.text] = n.at
		case "ddl_command_end":
			if n.text == "" {
				continue // the statement itself
			}
			x := onward.NestedStatement{SQL: s.redactedText(n.text, st)}
			if start, ok := startByText[n.text]; ok {
				x.DurationMS = float64(int((n.at-start)*1e6)) / 1000
			}
			out = append(out, x)
		case "query":
			if n.text != st.SQL && strings.TrimSpace(n.text) != strings.TrimSpace(st.SQL) {
				out = append(out, onward.NestedStatement{SQL: s.redactedText(n.text, st), DurationMS: n.took})
			}
		}
		if len(out) == mostNested {
			break
		}
	}
	s.notices = nil
	return out
}

// redactedText returns the text of a statement of a function or block for the report. If the rows come from a dump, a text that is not written
// out in the migration may be built from them: only its kind is known then.
func (s *releaseRun) redactedText(sql string, from *script.Statement) string {
	switch text := strings.TrimSpace(sql); {
	case s.Dump == "":
		return sql
	case strings.Contains(from.SQL, text):
		return redact.RedactStatement(sql)
	default:
		return redact.StatementKind(text) + " …"
	}
}
