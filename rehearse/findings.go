package rehearse

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/redact"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/rules/release"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// stallLimit is the wait from which traffic counts as stalled.
const stallLimit = time.Second

// addFinding adds a finding at a statement. Without a harm or an alternative of its
// own it gets the rule's.
func (v *version) addFinding(id string, step *step, statement *script.Statement, fact, harm, instead string) {
	var doc *rule.Rule
	for _, r := range release.RehearsalFindings() {
		if r.ID == id {
			doc = r
		}
	}
	f := onward.Finding{
		Rule: id, Category: doc.Category, Severity: doc.Severity, Migration: step.ID, Path: step.Path,
		Line: statement.Line, Column: statement.Column, EndLine: statement.EndLine, EndColumn: statement.EndColumn,
		Fact: fact, Harm: cmp.Or(harm, lowerFirst(doc.Harm)), Instead: cmp.Or(instead, lowerFirst(doc.Instead)), Evidence: []onward.Evidence{},
		Fingerprint: rule.Fingerprint(id, step.ID, statement.SQL, fact),
	}
	if v.Settings != nil {
		if severity, ok := v.Settings.Severities()[id]; ok {
			f.Severity = severity
		}
	}
	if f.Severity == onward.Off {
		return
	}
	// Another version has found the same: the finding applies to both.
	for i := range v.report.Findings {
		if old := &v.report.Findings[i]; old.Fingerprint == f.Fingerprint {
			if len(old.Postgres) > 0 {
				old.Postgres = append([]int{v.major}, old.Postgres...)
			}
			return
		}
	}
	if v.several {
		f.Postgres = []int{v.major}
	}
	if v.known[f.Fingerprint] || step.err == nil && isSuppressed(step.script, id, statement) {
		v.report.Summary.Suppressed++
		if v.known[f.Fingerprint] && f.Severity == onward.Error {
			v.report.Summary.Withheld = onward.WithheldBaseline
		}
		return
	}
	v.report.Findings = append(v.report.Findings, f)
}

// lowerFirst returns a sentence of a rule's page in the form that findings use.
func lowerFirst(sentence string) string { return strings.ToLower(sentence[:1]) + sentence[1:] }

// isSuppressed reports whether a comment of the migration suppresses a finding.
func isSuppressed(sc *script.Script, id string, statement *script.Statement) bool {
	for i := range sc.Suppressions {
		if c := &sc.Suppressions[i]; c.SuppressesRule(id) && c.CoversLine(statement.Line, statement.EndLine, statement.Line) {
			return true
		}
	}
	return false
}

// addFailureFindings adds findings for a release that failed, and for stalled traffic.
func (v *version) addFailureFindings(s *releaseRun) {
	v.addStallFindings(s)
	if s.stop == nil {
		return
	}
	stop, step := s.stop, s.stopStep
	server, refusal := serverError(stop), serverMessage(stop)
	var limit *limitError
	var pg *pgconn.PgError
	errors.As(stop.err, &pg)
	switch {
	case errors.As(stop.err, &limit):
		v.addFinding(release.RehearsalNotFinished, step, stop.statement, "the statement was "+limit.reason, "in production it would go on", "")
	case server.Code == tooManyTemporary:
		v.addFinding(release.RehearsalNotFinished, step, stop.statement, "the statement was ended by the limit of size: "+refusal, "in production it would go on", "")
	case attemptedEscape(stop) != "":
		v.addFinding(release.RehearsalTriedToEscape, step, stop.statement, fmt.Sprintf("it %s: %s", attemptedEscape(stop), refusal), "", "")
	case !v.Superuser && maskedEscape(step.script, stop) != "":
		v.addFinding(release.RehearsalTriedToEscape, step, stop.statement,
			fmt.Sprintf("it %s, and stops with another error: %s", maskedEscape(step.script, stop), refusal), "", "")
	case pg != nil && isMissingExtension(pg):
		v.reportUnrehearsed(s, server.Message+"; name a server that has it with --postgres URL")
	case pg != nil && s.unrun != "" && pgerror.Kind{SQLSTATE: pg.Code}.IsMissing():
		v.reportUnrehearsed(s, server.Message+"; code was not run that may make it: "+s.unrun)
	case server.Code == "42501" && !v.Superuser:
		v.addFinding(release.RehearsalNeedsSuperuser, step, stop.statement, "refused to a role that is no superuser: "+refusal,
			"the migration fails wherever its role is none", "")
	case s.out.Traffic != nil && server.Code == deadlock:
		v.addFinding(release.RehearsalFails, step, stop.statement, "queries of the deployed code and the migration each held what the other waited for: "+refusal,
			"the server ends one of them: this time it was the migration, which stops here"+v.describeSkippedMigrations(step)+
				"; the next time it may be a query of a user",
			"one table in a transaction, or the tables in the order in which the deployed code takes them; a short lock_timeout, and another attempt.")
	case s.out.Traffic != nil && server.Code == lockTimeout:
		v.addFinding(release.RehearsalFails, step, stop.statement, "it gives up waiting for the queries of the deployed code: "+refusal,
			"the migration stops here"+v.describeSkippedMigrations(step), "run it again if possible, and let nothing of it commit before.")
	default:
		v.addFinding(release.RehearsalFails, step, stop.statement, "the server refuses it: "+refusal,
			"the migration stops here"+v.describeSkippedMigrations(step), "")
	}
}

// tooManyTemporary is the SQLSTATE of a session over temp_file_limit.
const tooManyTemporary = "53400"

// reportUnrehearsed reports that the release was rehearsed only up to a statement, for
// a reason that is not its fault.
func (v *version) reportUnrehearsed(s *releaseRun, reason string) {
	statement, step := s.stop.statement, s.stopStep
	s.addNote("the rehearsal ended at " + step.ID + ": " + reason)
	v.report.Opaque = append(v.report.Opaque, onward.Opaque{
		Migration: step.ID, Path: step.Path, Line: statement.Line, Column: statement.Column, What: "the rest of the rehearsal", Why: reason,
	})
}

// describeSkippedMigrations says how many migrations come after a failed one, which therefore do not run; "" for none.
func (v *version) describeSkippedMigrations(failed *step) string {
	if n := len(v.steps) - 1 - slices.Index(v.steps, failed); n > 0 {
		return fmt.Sprintf(", and %s after it", prose.CountNoun(n, "migration"))
	}
	return ""
}

// addStallFindings finds the statements that stalled the traffic.
func (v *version) addStallFindings(s *releaseRun) {
	if s.out.Traffic == nil {
		return
	}
	for i := range s.out.Statements {
		st := &s.out.Statements[i]
		if st.StallMS < toMillis(stallLimit) {
			continue
		}
		step, statement := v.locateStatement(st)
		if statement == nil {
			continue
		}
		relation := ""
		for _, x := range s.out.Traffic.Stalls {
			if x.Statement == i {
				relation = " on " + strings.TrimPrefix(x.Relation, "public.")
				break
			}
		}
		harm := fmt.Sprintf("in the rehearsal %s waited, the longest for %s", prose.CountNoun(st.Waited, "query"), view.FormatMillis(st.StallMS))
		for _, f := range s.out.Traffic.Failures {
			if f.Error.Code == deadlock && f.AtMS >= st.FromMS && f.AtMS <= st.UntilMS+100 {
				harm += ", and the server ended a query of the traffic to break a deadlock with the migration"
				break
			}
		}
		v.addFinding(release.RehearsalTrafficStalls, step, statement, "queries"+relation+" waited because of this statement",
			harm, "")
	}
}

// locateStatement finds a rehearsed statement in its migration.
func (v *version) locateStatement(st *onward.RehearsedStatement) (*step, *script.Statement) {
	for _, step := range v.steps {
		if step.Report == st.Migration && step.err == nil && st.Statement < len(step.script.Statements) {
			return step, step.script.Statements[st.Statement]
		}
	}
	return nil, nil
}

// A migration with a lock_timeout gives up if others block it, and should:
// whoever deploys it runs it again.
const (
	mostAttempts = 5
	afterAttempt = 250 * time.Millisecond // longer than the traffic's long reader holds its lock
)

// runWithRetries runs a migration. If it timed out because the traffic blocked it, it
// is run again, after the end of the long transaction if that was the blocker.
func (s *releaseRun) runWithRetries(ctx context.Context, step *step) (*migrationFailure, error) {
	for n := 1; ; n++ {
		stop, err := s.runner.runMigration(ctx, step.Migration, step.script)
		if err != nil && stop != nil && stop.statement != nil {
			err = fmt.Errorf("%s:%d: the server went away while the statement ran: %w", step.Path, stop.statement.Line, err)
		}
		if stop == nil || err != nil {
			return stop, err
		}
		if s.load == nil || n == mostAttempts || !hasSQLState(stop.err, lockTimeout) || stop.statement == nil || isPartCommitted(step.script, stop.statement) {
			return stop, nil
		}
		s.recordFailure(stop)
		pause := afterAttempt
		if left := time.Until(s.startTime.Add(s.LongTransaction)); left > 0 {
			pause += left
		}
		s.addNote(fmt.Sprintf("%s gave up waiting for a lock after its lock_timeout, as it is meant to, and was run again: its deploy must do so too", step.ID))
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// isPartCommitted reports whether a part of the migration is committed when a
// statement fails.
func isPartCommitted(sc *script.Script, statement *script.Statement) bool {
	for _, s := range sc.Statements[:statement.Index] {
		if s.Parent < 0 && !takesNoLocks(s) && (s.Tx != statement.Tx || s.Origin == script.Alone) {
			return true
		}
	}
	return false
}

// uncommittedPart returns the part of a migration that is not committed when a
// statement fails: its transaction, and everything after it.
func uncommittedPart(sc *script.Script, statement *script.Statement) *script.Script {
	if statement == nil || !isPartCommitted(sc, statement) {
		return sc
	}
	from := statement.Index
	for from > 0 && statement.Origin != script.Alone {
		s := sc.Statements[from-1]
		if s.Parent < 0 && (s.Tx != statement.Tx || s.Origin == script.Alone) && !beginsTransaction(s) {
			break
		}
		from--
		if beginsTransaction(s) {
			break
		}
	}
	rest := *sc
	rest.Statements = sc.Statements[from:]
	return &rest
}

// beginsTransaction reports whether a statement opens a transaction.
func beginsTransaction(s *script.Statement) bool {
	switch s.Node.GetTransactionStmt().GetKind() {
	case pgparse.TransactionStmtKind_TRANS_STMT_BEGIN, pgparse.TransactionStmtKind_TRANS_STMT_START:
		return true
	}
	return false
}

// The SQLSTATEs of a session that others block.
const (
	lockTimeout = "55P03"
	deadlock    = "40P01"
)

func hasSQLState(err error, code string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == code
}

// serverError returns a failure in the server's words, without values of rows if there are rows of production.
func serverError(stop *migrationFailure) *onward.ServerError {
	var pg *pgconn.PgError
	if !errors.As(stop.err, &pg) {
		return &onward.ServerError{Code: "08006", Message: "the server closed the connection: " + stop.err.Error()}
	}
	e := redact.Error(onward.ServerError{Code: pg.Code, Message: pg.Message, Detail: pg.Detail, Hint: pg.Hint})
	if stop.hasRealRows {
		e = redact.ErrorOnRows(pg, stop.statement.SQL)
	}
	return &e
}

// serverMessage returns the server's message with its SQLSTATE.
func serverMessage(stop *migrationFailure) string {
	server := serverError(stop)
	return fmt.Sprintf("%s (SQLSTATE %s)", server.Message, server.Code)
}
