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

// Statements in functions, DO blocks and dynamic SQL are seen one by one in two
// ways that complete each other, both as messages on the connection itself, in
// the order in which they ran; at the level INFO, which client_min_messages does
// not hold back. DDL, which takes the strong locks, is not planned,
// so auto_explain never sees it; an event trigger does, and the context of its
// notice has the statement's text. What is planned, event triggers never see;
// auto_explain does. The server's log has neither: it writes down what a client
// sent. auto_explain is on for DO, CALL and SELECT only: on an UPDATE it would
// tell of each row's foreign key.
//
// The functions are a superuser's, and run in a stranger's session: each brings
// its own path, and names schemas.
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

// mostNested bounds how many statements one statement is said to have run.
const mostNested = 200

// notice is one of the above.
type notice struct {
	event, text string
	at, took    float64 // seconds; milliseconds
}

// prepareNested prepares a database, where the release has statements that may
// run others.
func (v *version) prepareNested(ctx context.Context, db string) error {
	for _, step := range v.steps {
		if step.err == nil && slices.ContainsFunc(step.script.Statements, mayNest) {
			return execAll(ctx, v.server, "", db, nestedSetup)
		}
	}
	return nil
}

// mayNest reports whether a statement runs code that its text does not show.
func mayNest(s *script.Statement) bool {
	return s.Parent < 0 && (s.Node.GetDoStmt() != nil || s.Node.GetCallStmt() != nil || s.Node.GetSelectStmt() != nil)
}

// explain switches auto_explain on or off.
//
// It gives an error only when the server has ended the transaction because of
// it, which a limit of time may do; the statement is then refused with that.
func (s *scene) explain(ctx context.Context, on bool) error {
	if s.outer || s.runner.status() == 'E' {
		return nil
	}
	var works bool
	// No parameters: the settings of the session may be such that none can be sent.
	err := s.untimed(ctx, func() error {
		return s.runner.conn.QueryRow(ctx, fmt.Sprintf("SELECT onward_rehearsal.explain(%t)", on), anyhow).Scan(&works)
	})
	if err != nil && s.runner.status() == 'E' {
		return err
	}
	if on && (err != nil || !works) {
		s.note("queries in functions were not seen one by one: this server has no auto_explain")
	}
	return nil
}

// notice hears what the server says while a statement runs.
func (s *scene) notice(n *pgconn.Notice) {
	if len(s.notices) > 2*mostNested {
		return
	}
	if event, ok := strings.CutPrefix(n.Message, "onward-rehearsal "); ok {
		at, _ := strconv.ParseFloat(n.Hint, 64)
		s.notices = append(s.notices, notice{event: event, text: inContext(n.Where), at: at})
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

// inContext is the text of the innermost statement of a notice's context, ""
// when no function ran it.
func inContext(where string) string {
	const begin, end = "SQL statement \"", "\"\nPL/pgSQL function"
	i := strings.Index(where, begin)
	if i < 0 {
		return ""
	}
	text := where[i+len(begin):]
	if j := strings.Index(text, end); j >= 0 {
		return text[:j]
	}
	return strings.TrimSuffix(text, "\"")
}

// nested are the statements that were seen inside the one that ran last.
func (s *scene) nested(st *script.Statement) []onward.NestedStatement {
	var out []onward.NestedStatement
	begun := map[string]float64{}
	for _, n := range s.notices {
		switch n.event {
		case "ddl_command_start":
			begun[n.text] = n.at
		case "ddl_command_end":
			if n.text == "" {
				continue // the statement itself
			}
			x := onward.NestedStatement{SQL: s.shown(n.text)}
			if at, ok := begun[n.text]; ok {
				x.DurationMS = float64(int((n.at-at)*1e6)) / 1000
			}
			out = append(out, x)
		case "query":
			if n.text != st.SQL && strings.TrimSpace(n.text) != strings.TrimSpace(st.SQL) {
				out = append(out, onward.NestedStatement{SQL: s.shown(n.text), DurationMS: n.took})
			}
		}
		if len(out) == mostNested {
			break
		}
	}
	s.notices = nil
	return out
}

// shown is the text of a statement for the report: without literals where the
// rows are somebody's.
func (s *scene) shown(sql string) string {
	if s.Dump == "" {
		return sql
	}
	return redact.Statement(sql)
}
