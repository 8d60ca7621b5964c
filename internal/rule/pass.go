package rule

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"strings"

	"github.com/onward-sql/onward/internal/advice"
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// Pass is what a rule is given for one call: the state around it, questions it
// may ask, and Report.
type Pass struct {
	// Rule is the rule that is running.
	Rule *Rule
	// Release is the release so far; Release.Head is set at the end only.
	Release *Release
	// Code answers for the deployed code.
	Code analysis.Code
	// Rows is what the release is seen to do to rows by then.
	Rows *analysis.Rows

	config *Config
	// kept is what Gather functions left for the end, by rule.
	kept map[string][]any
	// current is the catalog behind the statement or commit in question.
	current *catalog.Catalog
	// at is the transaction of that statement or commit; 0 behind a migration.
	at int
	// used are the tables of the release that went live.
	used map[catalog.OID]live
	// read are the bodies of triggers that goesLive has read.
	read     map[*catalog.Function]*catalog.Body
	versions []int
	asked    bool
	findings []placed
	// functions are the bodies that were asked for last.
	functions *analysis.Bodies
	begun     begun
	made      []*catalog.Function // by the release, and not in functions yet
}

// placed is a finding on its way to the report.
type placed struct {
	onward.Finding
	// order is the place in the release: migration, then statement.
	order [2]int
	// outer is the line of the statement of the file that the finding's
	// statement stands in: of the DO block around it, or its own.
	outer, outerEnd int
	versions        []int
	cause           string // of Report.Cause
	once            bool   // of Report.Once
	stops           bool   // of Report.Stops
	lesser          bool   // of Report.Lesser
	hands           []onward.Evidence
}

// Report is what a rule says. Fact, Harm and Instead are lower case, without a
// full stop; Instead may have several lines of SQL.
type Report struct {
	Fact, Harm, Instead string
	// Way is the way out where a framework rendered the statement, in words of its
	// own; nil for Instead.
	Way advice.Way
	// Severity lowers the rule's own for this case; Off (0) keeps it.
	Severity onward.Severity
	Evidence []onward.Evidence
	// Unused is what no deployed code may use: "users.age". Where that is not known, the
	// finding being a warning, the release is safe if it is so.
	Unused string
	// SafeIf is what the release is safe with, whatever the severity: "a.sql runs in one
	// transaction".
	SafeIf string
	// Stops says that the migration ends at the statement: what comes later in
	// it is not found.
	Stops bool
	// Cause is what findings of the rule may have in common, as the end of the
	// first one's Fact: "and so do %d others". Many with one cause become one.
	Cause string
	// Once says that findings of one Fact and Cause are one, from two on: to say
	// it again tells nobody anything.
	Once bool
	// Lesser says that the finding is about an earlier statement's lock, and would be gone
	// with this statement's own: beside an error about that it is left out. Hands is the
	// evidence that the error gets in its place.
	Lesser bool
	Hands  []onward.Evidence
	// Fix is a set of edits in bytes of the statement's text (Stmt.SQL).
	Fix []onward.Edit
}

// AtLeast reports whether the version in question is major or newer. A rule
// that asks is run for each version by itself.
func (p *Pass) AtLeast(major int) bool {
	p.asked = true
	return p.versions[0] >= major
}

// Versions are the major versions that the current call speaks about.
func (p *Pass) Versions() []int { return p.versions }

// New reports whether a relation was created by this release: no deployed code
// knows it, and it did not go live before the statement or transaction in question. It is false for OID 0; use Existing for effects, which also knows
// what the statement itself creates.
func (p *Pass) New(oid catalog.OID) bool {
	return oid != 0 && p.current.CreatedSince(p.Release.Deployed, oid) && !p.inUse(oid, p.at, true)
}

// Existing reports whether an effect is on a relation that others may be
// using: not one that the statement or the release created, and no temporary
// table.
func (p *Pass) Existing(e *effect.Effect) bool {
	return !e.Created && e.Name.Schema != "pg_temp" && !p.New(e.OID)
}

// Small reports whether the configuration says that a table is small, or the history
// and the code do, or an earlier statement that fails where it has rows, so that scans and index builds on it do not matter. Locks and compatibility do.
func (p *Pass) Small(name catalog.Name) bool {
	return p.config.isSmall(name.String()) || p.config.isSmall(name.Qualified()) || p.seeded(name) || p.emptied(name)
}

// emptied reports whether an earlier statement of the release has shown that a table has
// no rows: with rows that one fails, and what comes behind it is never reached.
func (p *Pass) emptied(name catalog.Name) bool {
	r := p.current.Lookup(name.Schema, name.Name)
	return r != nil && p.Rows.Empty(r.OID)
}

// seeded reports whether a table has the rows that the deployed history put there, and
// nobody else puts any: deployed code does nothing but read it.
func (p *Pass) seeded(name catalog.Name) bool {
	r := p.Release.Deployed.Lookup(name.Schema, name.Name)
	if r == nil || r.Inferred || r.Partial || p.config.Seeds[r.OID] == 0 {
		return false
	}
	u := p.Code.Uses(name, "")
	return u.ReadOnly && !u.Put
}

// Tiny reports whether a table is small, by the configuration or because it is
// where a migration tool keeps what has run: a row for each migration, which
// nobody waits for but the tool.
func (p *Pass) Tiny(name catalog.Name) bool { return p.config.Bookkeeping[name.Name] || p.Small(name) }

// DeployedColumn is the column of the deployed schema behind a column, nil
// when the deployed schema does not have it. known is false when the deployed
// table was never seen created, so that nothing can be said.
func (p *Pass) DeployedColumn(table catalog.OID, attnum int16) (col *catalog.Column, known bool) {
	r := p.Release.Deployed.Relation(table)
	if r == nil || r.Inferred {
		return nil, false
	}
	return r.Attr(attnum), true
}

// Replaces is the deployed relation whose name a new one takes by a change; nil
// when it is no such change.
func (p *Pass) Replaces(d *Delta) *catalog.Relation {
	if d.Kind != catalog.RelationCreated && d.Kind != catalog.RelationRenamed || d.After == nil || d.By == nil || !p.New(d.OID) {
		return nil
	}
	return p.Release.Deployed.Lookup(d.After.Name.Schema, d.After.Name.Name)
}

// Report adds a finding at a statement: a *Stmt, or Commands or a *Delta of one, which say what
// words of it are meant.
func (p *Pass) Report(at spot, r Report) {
	s, parts := at.spot()
	p.add(s, onward.Finding{
		Migration: s.Migration.ID, Path: s.Migration.Path,
		Line: s.Line, Column: s.Column, EndLine: s.EndLine, EndColumn: s.EndColumn, Words: s.words(parts),
	}, r)
}

// ReportAt adds a finding at a place given by path and line.
func (p *Pass) ReportAt(migration, path string, line int, r Report) {
	line = max(line, 1)
	p.add(nil, onward.Finding{Migration: migration, Path: path, Line: line, Column: 1, EndLine: line, EndColumn: 1}, r)
}

func (p *Pass) add(s *Stmt, f onward.Finding, r Report) {
	f.Rule, f.Category, f.Severity = p.Rule.ID, p.Rule.Category, p.Rule.Severity
	if r.Severity != onward.Off && r.Severity < f.Severity {
		f.Severity = r.Severity
	}
	f.Fact, f.Harm, f.Instead, f.Evidence, f.SafeIf = r.Fact, r.Harm, r.Instead, r.Evidence, r.SafeIf
	if r.Unused != "" && f.Severity == onward.Warning {
		f.SafeIf = "no deployed code uses " + r.Unused
	}
	if s != nil && s.In != "" {
		f.Fact += " (in " + s.In + "())"
	}
	found := placed{Finding: f, outer: f.Line, outerEnd: f.EndLine, versions: p.versions, cause: r.Cause, once: r.Once, stops: r.Stops, lesser: r.Lesser, hands: r.Hands}
	text := ""
	if s != nil {
		text = s.SQL
		if way := s.Migration.Written(s.Operation, r.Way); way != "" && s.Operation.Class != "" {
			found.Instead = way
		} else if s.Operation.Class == "" {
			found.Instead = filed(r.Instead, s)
		}
		found.order = [2]int{s.Migration.index, s.Index + 1}
		if s.Parent >= 0 {
			do := s.Migration.Script.Statements[s.Parent]
			found.outer, found.outerEnd = do.Line, do.EndLine
		}
		if s.Start >= 0 && s.Parent < 0 {
			for _, e := range r.Fix {
				found.Fix = append(found.Fix, onward.Edit{Start: s.Start + e.Start, End: s.Start + e.End, New: e.New})
			}
		}
	} else if i, ok := p.config.order[f.Path]; ok {
		found.order[0] = i
	}
	found.Fingerprint = p.fingerprint(f.Rule, f.Migration, text, f.Fact)
	p.findings = append(p.findings, found)
}

// Fingerprint names a finding by what it is about, so that it survives a move
// of the file and lines added above. White space does not count.
func Fingerprint(rule, migration, sql, fact string) string {
	return sum(begin(rule, migration, sql), fact)
}

// begin takes in what findings of a rule on one statement have in common.
func begin(rule, migration, sql string) hash.Hash {
	h := sha256.New()
	for _, s := range []string{rule, migration, strings.Join(strings.Fields(sql), " ")} {
		io.WriteString(h, s)
		h.Write([]byte{0})
	}
	return h
}

func sum(h hash.Hash, fact string) string {
	io.WriteString(h, fact)
	h.Write([]byte{0})
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// begun is what the last finding was about: the next one is on the same statement
// often, which may be long.
type begun struct {
	rule, migration, sql string
	hash                 hash.Hash
}

// fingerprint is Fingerprint.
func (p *Pass) fingerprint(rule, migration, sql, fact string) string {
	if b := &p.begun; b.hash == nil || b.rule != rule || b.migration != migration || b.sql != sql {
		*b = begun{rule, migration, sql, begin(rule, migration, sql)}
	}
	if c, ok := p.begun.hash.(hash.Cloner); ok {
		if h, err := c.Clone(); err == nil {
			return sum(h, fact)
		}
	}
	return Fingerprint(rule, migration, sql, fact)
}

// Keep keeps something of a migration for the rule's Release function.
func (p *Pass) Keep(v any) { p.kept[p.Rule.ID] = append(p.kept[p.Rule.ID], v) }

// Kept is what the rule kept, in the order of the release.
func Kept[T any](p *Pass) []T {
	list := p.kept[p.Rule.ID]
	out := make([]T, 0, len(list))
	for _, v := range list {
		if t, ok := v.(T); ok {
			out = append(out, t)
		}
	}
	return out
}

// Evidence points at another statement of the release.
func (s *Stmt) Evidence(text string) onward.Evidence {
	return onward.Evidence{Kind: "statement", Path: s.Migration.Path, Line: s.Line, Text: text}
}

// Where is the statement for a message: ":12" within the same migration.
func (s *Stmt) Where() string { return fmt.Sprintf(":%d", s.Line) }

// Writes lists what a statement writes to tables.
func (p *Pass) Writes(s *Stmt) []analysis.Write {
	if !s.wrote {
		s.wrote, s.writes = true, p.Rows.Writes(s.Node, p.moment(s))
	}
	return s.writes
}

// Reads is how many rows a query reads that stands in a statement, as far as its
// text tells.
func (p *Pass) Reads(s *Stmt, q *pgparse.SelectStmt) analysis.Extent {
	return p.Rows.Read(s.Node, q, p.moment(s))
}

func (p *Pass) moment(s *Stmt) analysis.Moment {
	return analysis.Moment{Deployed: p.Release.Deployed, Before: s.Before, Now: p.current}
}
