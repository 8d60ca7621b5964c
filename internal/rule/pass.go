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

// Pass is the argument of a rule: the state at the statement or commit, methods to ask about it, and Report.
type Pass struct {
	// Rule is the rule that is running.
	Rule *Rule
	// Release is the release so far; Release.Head is set at the end only.
	Release *Release
	// Code knows what the deployed code uses.
	Code analysis.Code
	// Rows is what the release has done to rows so far.
	Rows *analysis.Rows

	config *Config
	// kept is what Gather functions kept for the end, by rule.
	kept map[string][]any
	// current is the catalog after the statement or commit in question.
	current *catalog.Catalog
	// at is the transaction of that statement or commit; 0 after a migration.
	at int
	// used are the tables of the release that the deployed code uses already.
	used map[catalog.OID]liveTable
	// read are the bodies of triggers that recordLiveTables has read.
	read map[*catalog.Function]*catalog.Body
	// versions are the major versions of Postgres that the current call is about. asked is set if the rule asked for the version, or if
	// claims hold for only some of them. The rule runs again then, once for each version.
	versions []int
	asked    bool
	findings []*placedFinding
	// claims are the findings on the current statement that may claim its effects.
	claims []claim
	// silenced are the findings of rules that are switched off. collected are the others so far, at the end of the release.
	silenced, collected []*placedFinding
	// functions are the function bodies of the last call of FunctionBodies.
	functions *analysis.Bodies
	begun     hashedStatement
	made      []*catalog.Function // created by the release, and not yet in functions
}

// placedFinding is a finding before it is reported.
type placedFinding struct {
	onward.Finding
	// full is the severity before the guess that a table is small lowered it.
	full onward.Severity
	// order is the place in the release: migration, then statement.
	order [2]int
	// outer is the line of the file's statement that contains the finding: the line of the DO block, or of the statement itself.
	outer, outerEnd int
	versions        []int
	// said is what the rule reported.
	said    Report
	depends []int  // of listFailedDependencies
	round   string // of Statement.Round
	fix     *alterFix
	// dropped says that another finding replaces this one (relations).
	dropped bool
}

// Report is the text of a finding. Fact, Harm and Instead are lower case, without a full stop; Instead may have several lines of SQL.
type Report struct {
	Fact, Harm, Instead string
	// Steps are the SQL of Instead for each subcommand of the place, in their order; nil if it is one text for all of them.
	Steps []string
	// Way is the fix in the words of the framework that rendered the statement; nil for Instead.
	Way advice.Way
	// Grows is the table with whose size the harm grows, if that is all of the harm: an error is a warning if the table
	// is probably small. No name: the size does not matter, or is not all.
	Grows catalog.Name
	// Severity lowers the rule's severity for this case; Off (0) keeps it.
	Severity onward.Severity
	Evidence []onward.Evidence
	// Unused is something that no deployed code may use: "users.age". The release is safe if nothing uses it,
	// in case the finding is only a warning because that is unknown.
	Unused string
	// SafeIf is a condition under which the release is safe, whatever the severity: "a.sql runs in one
	// transaction".
	SafeIf string
	// Stops says that the migration ends at the statement. Findings on later statements of it say that they count after that.
	Stops bool
	// Cause is a cause that findings of the rule may share, as the end of the first one's Fact: "and so do %d others". Many findings with
	// one cause become one.
	Cause string
	// From is the number of findings of one Cause from which on they are one; 0 is four.
	From int
	// Once merges findings that have the same Fact and Cause, even if there are only two: repeating them would tell the reader nothing new.
	Once bool
	// Yields makes a warning a note if its migration has an error about a lock, because the fix of that error changes the locks.
	Yields bool
	// Lesser says that the finding is about an earlier statement's lock and disappears if this statement's own lock is fixed. It is left
	// out if there is an error about that own lock. Hands is the evidence that moves to the error then.
	Lesser bool
	Hands  []onward.Evidence
	// Fix is a set of edits in bytes of the statement's text (Stmt.SQL).
	Fix []onward.Edit
}

// AtLeast reports whether the version in question is major or newer. A rule that calls it runs once per version.
func (p *Pass) AtLeast(major int) bool {
	p.asked = true
	return p.versions[0] >= major
}

// Versions returns the major versions that the current call is about.
func (p *Pass) Versions() []int { return p.versions }

// IsNew reports whether a relation was created by this release and is not yet used by deployed code at the statement or transaction in
// question. It is false for OID 0. Use IsExisting for effects, which also knows what the statement itself creates.
func (p *Pass) IsNew(oid catalog.OID) bool {
	return oid != 0 && p.current.CreatedSince(p.Release.Deployed, oid) && !p.isInUse(oid, p.at, true)
}

// IsExisting reports whether an effect is on a relation that others may be using: neither created by the statement or the release, nor
// temporary.
func (p *Pass) IsExisting(e *effect.Effect) bool {
	return !e.Created && e.Name.Schema != "pg_temp" && !p.IsNew(e.OID)
}

// IsSmall reports whether a table is small: the configuration says so, the history and the code show it, or an earlier statement would have
// failed if the table had rows. Scans and index builds on a small table do not matter; locks and compatibility do.
func (p *Pass) IsSmall(name catalog.Name) bool {
	return p.config.isSmall(name.String()) || p.config.isSmall(name.Qualified()) || p.isSeeded(name) || p.isKnownEmpty(name)
}

// isKnownEmpty reports whether an earlier statement of the release shows that a table has no rows: with rows that statement fails, and later
// ones are never reached.
func (p *Pass) isKnownEmpty(name catalog.Name) bool {
	r := p.current.Lookup(name.Schema, name.Name)
	return r != nil && p.Rows.IsNearlyEmpty(r.OID)
}

// isSeeded reports whether a table has only the rows that the deployed history inserted. The deployed code only reads it.
func (p *Pass) isSeeded(name catalog.Name) bool {
	r := p.Release.Deployed.Lookup(name.Schema, name.Name)
	if r == nil || r.Inferred || r.Partial || p.config.Seeds[r.OID] == 0 {
		return false
	}
	u := p.Code.FindUses(name, "")
	return u.IsReadOnly()
}

// IsTiny reports whether a table is small by the configuration, or is one in which a migration tool records applied migrations. Such a table
// has one row per migration, and only the tool waits for it.
func (p *Pass) IsTiny(name catalog.Name) bool {
	return p.config.Bookkeeping[name.Name] || p.IsSmall(name)
}

// DeployedColumn returns the deployed column of a table; nil if the deployed table does not have it. known is false if no statement was
// seen that created the deployed table, so that its columns are unknown.
func (p *Pass) DeployedColumn(table catalog.OID, attnum int16) (col *catalog.Column, known bool) {
	r := p.Release.Deployed.Relation(table)
	if r == nil || r.Inferred {
		return nil, false
	}
	return r.Attr(attnum), true
}

// ReplacedRelation returns the deployed relation whose name a new relation takes by a change; nil if the change does no such thing.
func (p *Pass) ReplacedRelation(d *Delta) *catalog.Relation {
	if d.Kind != catalog.RelationCreated && d.Kind != catalog.RelationRenamed || d.After == nil || d.By == nil || !p.IsNew(d.OID) {
		return nil
	}
	return p.Release.Deployed.Lookup(d.After.Name.Schema, d.After.Name.Name)
}

// Report adds a finding at a statement: a *Stmt, or Commands or a *Delta of one, which narrow the place down to parts of its text.
func (p *Pass) Report(location spot, r Report) {
	s, parts := location.findSpot()
	var fix *alterFix
	if s.Operation.Class == "" {
		if fix = p.newAlterFix(&r, location.listSubcommands()); fix != nil {
			r.Instead = fix.formatCompleteFix(nil)
		}
		r.Instead = s.formatFix(r.Instead)
	}
	p.addFinding(s, onward.Finding{
		Migration: s.Migration.ID, Path: s.Migration.Path,
		Line: s.Line, Column: s.Column, EndLine: s.EndLine, EndColumn: s.EndColumn, Words: s.placesInFile(parts),
	}, r)
	if found := p.findings[len(p.findings)-1]; found.Instead == r.Instead {
		found.fix = fix
	}
}

// ReportAt adds a finding at a place given by path and line.
func (p *Pass) ReportAt(migration, path string, line int, r Report) {
	line = max(line, 1)
	r.Instead = moveBlanksToProse(r.Instead)
	p.addFinding(nil, onward.Finding{Migration: migration, Path: path, Line: line, Column: 1, EndLine: line, EndColumn: 1}, r)
}

func (p *Pass) addFinding(s *Stmt, f onward.Finding, r Report) {
	f.Rule, f.Category, f.Severity = p.Rule.ID, p.Rule.Category, p.Rule.Severity
	if r.Severity != onward.Off && r.Severity < f.Severity {
		f.Severity = r.Severity
	}
	f.Fact, f.Harm, f.Instead, f.Evidence, f.SafeIf = r.Fact, r.Harm, r.Instead, r.Evidence, r.SafeIf
	full := f.Severity
	p.lowerIfSmall(&f, r.Grows)
	if r.Unused != "" && f.Severity == onward.Warning {
		f.SafeIf = "no deployed code uses " + r.Unused
	}
	if s != nil && s.In != "" {
		f.Fact += " (in " + s.In + "())"
	}
	found := &placedFinding{
		Finding:  f,
		full:     full,
		outer:    f.Line,
		outerEnd: f.EndLine,
		versions: p.versions,
		said:     r,
	}
	text := ""
	if s != nil {
		text, found.depends = s.SQL, s.listFailedDependencies()
		if way := s.Migration.WriteFix(s.Operation, r.Way); way != "" && s.Operation.Class != "" {
			found.Instead = way
		}
		// The advice of a rule about the transaction applies to every table.
		if f.Category == onward.Locking && !strings.HasPrefix(f.Rule, "transaction-") {
			if t := analysis.ManagedTable(s.Before, s.Result.Effects); t != nil {
				found.Instead, r.Fix = analysis.ManagedAdvice(t, s.Node, s.SQL), nil
			}
		}
		found.order = s.placeInRelease()
		if s.Parent >= 0 {
			parent := s.Migration.Script.Statements[s.Parent]
			found.outer, found.outerEnd = parent.Line, parent.EndLine
		}
		if s.Round != "" {
			found.round = fmt.Sprint(s.Parent, " ", s.In, " ", s.Round)
		}
		if s.Start >= 0 && s.Parent < 0 {
			for _, e := range r.Fix {
				found.Fix = append(found.Fix, onward.Edit{Start: s.Start + e.Start, End: s.Start + e.End, New: e.New})
			}
		}
	} else if i, ok := p.config.order[f.Path]; ok {
		found.order[0] = i
	}
	found.Fingerprint = p.cachedFingerprint(f.Rule, f.Migration, text, f.Fact)
	p.findings = append(p.findings, found)
}

// Fingerprint identifies a finding by its content, so that it survives moving the file and adding lines above. White space does not count.
func Fingerprint(rule, migration, sql, fact string) string {
	return hashFact(hashStatement(rule, migration, sql), fact)
}

// hashStatement hashes the part that a rule's findings on one statement share.
func hashStatement(rule, migration, sql string) hash.Hash {
	h := sha256.New()
	for _, s := range []string{rule, migration, strings.Join(strings.Fields(sql), " ")} {
		io.WriteString(h, s)
		h.Write([]byte{0})
	}
	return h
}

func hashFact(h hash.Hash, fact string) string {
	io.WriteString(h, fact)
	h.Write([]byte{0})
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// hashedStatement caches the hash for the last finding's statement. The next finding is often on the same statement, which may be long.
type hashedStatement struct {
	rule, migration, sql string
	hash                 hash.Hash
}

// cachedFingerprint is Fingerprint with that cache.
func (p *Pass) cachedFingerprint(rule, migration, sql, fact string) string {
	if b := &p.begun; b.hash == nil || b.rule != rule || b.migration != migration || b.sql != sql {
		*b = hashedStatement{rule, migration, sql, hashStatement(rule, migration, sql)}
	}
	if c, ok := p.begun.hash.(hash.Cloner); ok {
		if h, err := c.Clone(); err == nil {
			return hashFact(h, fact)
		}
	}
	return Fingerprint(rule, migration, sql, fact)
}

// KeepValue keeps a value for the rule's Release function.
func (p *Pass) KeepValue(v any) { p.kept[p.Rule.ID] = append(p.kept[p.Rule.ID], v) }

// KeptValues returns the values that the rule kept, in the order of the release.
func KeptValues[T any](p *Pass) []T {
	list := p.kept[p.Rule.ID]
	out := make([]T, 0, len(list))
	for _, v := range list {
		if t, ok := v.(T); ok {
			out = append(out, t)
		}
	}
	return out
}

// placeInRelease returns the place of a statement: migration, then statement.
func (s *Stmt) placeInRelease() [2]int {
	return [2]int{s.Migration.index, s.Migration.first + s.Index + 1}
}

// NewEvidence returns evidence that points at another statement of the release.
func (s *Stmt) NewEvidence(text string) onward.Evidence {
	return onward.Evidence{Kind: "statement", Path: s.Migration.Path, Line: s.Line, Text: text}
}

// FormatPlace returns the statement's place for a message in the same migration: ":12".
func (s *Stmt) FormatPlace() string { return fmt.Sprintf(":%d", s.Line) }

// ListWrites lists the writes of a statement to tables.
func (p *Pass) ListWrites(s *Stmt) []analysis.Write {
	if s.Node == nil {
		return nil
	}
	if !s.wrote {
		s.wrote, s.writes = true, p.Rows.ListWrites(s.Node, p.momentOf(s))
	}
	return s.writes
}

// EstimateRead estimates from the text how many rows a query inside a statement reads.
func (p *Pass) EstimateRead(s *Stmt, q *pgparse.SelectStmt) analysis.Extent {
	return p.Rows.EstimateRead(s.Node, q, p.momentOf(s))
}

func (p *Pass) momentOf(s *Stmt) analysis.Moment {
	return analysis.Moment{Deployed: p.Release.Deployed, Before: s.Before, Now: p.current}
}
