package rehearse

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/rules/rehearsal"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// stallLimit is the stall from which on traffic has stalled.
const stallLimit = time.Second

// found adds a finding at a statement. Without a harm or a way out of its own it
// has the rule's.
func (v *version) found(id string, step *step, at *script.Statement, fact, harm, instead string) {
	var doc *rule.Rule
	for _, r := range rehearsal.All() {
		if r.ID == id {
			doc = r
		}
	}
	f := onward.Finding{
		Rule: id, Category: doc.Category, Severity: doc.Severity, Migration: step.ID, Path: step.Path,
		Line: at.Line, Column: at.Column, EndLine: at.EndLine, EndColumn: at.EndColumn,
		Fact: fact, Harm: cmp.Or(harm, clause(doc.Harm)), Instead: cmp.Or(instead, clause(doc.Instead)), Evidence: []onward.Evidence{},
		Fingerprint: rule.Fingerprint(id, step.ID, at.SQL, fact),
	}
	if v.Settings != nil {
		if severity, ok := v.Settings.Severities()[id]; ok {
			f.Severity = severity
		}
	}
	if f.Severity == onward.Off {
		return
	}
	// Another version found the same: it holds for both.
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
	if v.known[f.Fingerprint] || step.err == nil && suppressed(step.script, id, at) {
		v.report.Summary.Suppressed++
		if v.known[f.Fingerprint] && f.Severity == onward.Error {
			v.report.Summary.Withheld = onward.WithheldBaseline
		}
		return
	}
	v.report.Findings = append(v.report.Findings, f)
}

// clause is a sentence of a rule's page as findings say it.
func clause(sentence string) string { return strings.ToLower(sentence[:1]) + sentence[1:] }

// suppressed reports whether a comment of the migration takes a finding out.
func suppressed(sc *script.Script, id string, at *script.Statement) bool {
	for i := range sc.Suppressions {
		if c := &sc.Suppressions[i]; c.Suppresses(id) && c.Covers(at.Line, at.EndLine, at.Line) {
			return true
		}
	}
	return false
}

// failures judges where the release ended before its end, and where the traffic
// stood still.
func (v *version) failures(s *scene) {
	v.stalls(s)
	if s.stop == nil {
		return
	}
	stop, step := s.stop, s.stopStep
	server, refusal := serverError(stop.err), words(stop.err)
	var limit *limitError
	var pg *pgconn.PgError
	errors.As(stop.err, &pg)
	switch {
	case errors.As(stop.err, &limit):
		v.found(rehearsal.NotFinished, step, stop.statement, "the statement was "+limit.reason, "in production it would go on", "")
	case server.Code == tooManyTemporary:
		v.found(rehearsal.NotFinished, step, stop.statement, "the statement was ended by the limit of size: "+refusal, "in production it would go on", "")
	case pg != nil && missingExtension(pg):
		v.unrehearsed(s, server.Message+"; name a server that has it with --postgres URL")
	case pg != nil && s.unrun != "" && undefined[pg.Code]:
		v.unrehearsed(s, server.Message+"; code was not run that may make it: "+s.unrun)
	case reached(stop) != "":
		v.found(rehearsal.TriedToEscape, step, stop.statement, fmt.Sprintf("it %s: %s", reached(stop), refusal), "", "")
	case server.Code == "42501" && !v.Superuser:
		v.found(rehearsal.NeedsSuperuser, step, stop.statement, "refused to a role that is no superuser: "+refusal, "the migration fails wherever its role is none", "")
	case s.out.Traffic != nil && server.Code == deadlock:
		v.found(rehearsal.Fails, step, stop.statement, "queries of the deployed code and the migration each held what the other waited for: "+refusal,
			"the server ends one of them: this time it was the migration, which stops here"+v.rest(step)+"; the next time it may be a query of a user",
			"one table in a transaction, or the tables in the order in which the deployed code takes them; a short lock_timeout, and another attempt.")
	case s.out.Traffic != nil && server.Code == lockTimeout:
		v.found(rehearsal.Fails, step, stop.statement, "it gives up behind the queries of the deployed code: "+refusal,
			"the migration stops here"+v.rest(step), "run it again where that can be done, and let nothing of it commit before.")
	default:
		v.found(rehearsal.Fails, step, stop.statement, "the server refuses it: "+refusal, "the migration stops here"+v.rest(step), "")
	}
}

// tooManyTemporary is the SQLSTATE of a session over temp_file_limit.
const tooManyTemporary = "53400"

// undefined are the SQLSTATEs of names that are not there
// (https://www.postgresql.org/docs/current/errcodes-appendix.html).
var undefined = map[string]bool{"42P01": true, "42703": true, "42704": true, "42883": true, "3F000": true}

// unrehearsed says that the release was rehearsed up to a statement only, for a
// reason that is not the release's.
func (v *version) unrehearsed(s *scene, why string) {
	at, step := s.stop.statement, s.stopStep
	s.note("the rehearsal ended at " + step.ID + ": " + why)
	v.report.Opaque = append(v.report.Opaque, onward.Opaque{
		Migration: step.ID, Path: step.Path, Line: at.Line, Column: at.Column, What: "the rest of the rehearsal", Why: why,
	})
}

// rest says what does not run any more.
func (v *version) rest(at *step) string {
	if n := len(v.steps) - 1 - slices.Index(v.steps, at); n > 0 {
		return fmt.Sprintf(", and %s after it", report.Count(n, "migration"))
	}
	return ""
}

// stalls finds the statements that the traffic stood still for.
func (v *version) stalls(s *scene) {
	if s.out.Traffic == nil {
		return
	}
	for i := range s.out.Statements {
		st := &s.out.Statements[i]
		if st.StallMS < ms(stallLimit) {
			continue
		}
		step, at := v.place(st)
		if at == nil {
			continue
		}
		relation := ""
		for _, x := range s.out.Traffic.Stalls {
			if x.Statement == i {
				relation = " on " + strings.TrimPrefix(x.Relation, "public.")
				break
			}
		}
		harm := fmt.Sprintf("in the rehearsal %s waited, the longest for %s", report.Count(st.Waited, "query"), report.Millis(st.StallMS))
		for _, f := range s.out.Traffic.Failures {
			if f.Error.Code == deadlock && f.AtMS >= st.FromMS && f.AtMS <= st.UntilMS+100 {
				harm += ", and the server ended a query of the traffic to break a deadlock with the migration"
				break
			}
		}
		v.found(rehearsal.TrafficStalls, step, at, "queries"+relation+" stood still because of this statement",
			harm, "")
	}
}

// place finds a rehearsed statement in its migration.
func (v *version) place(st *onward.RehearsedStatement) (*step, *script.Statement) {
	for _, step := range v.steps {
		if step.Report == st.Migration && step.err == nil && st.Statement < len(step.script.Statements) {
			return step, step.script.Statements[st.Statement]
		}
	}
	return nil, nil
}
