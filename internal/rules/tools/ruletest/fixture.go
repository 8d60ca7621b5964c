// Package ruletest reads the rules' fixtures and runs rules over them. One
// fixture feeds the rule's test, the fix test, the docs page, `onward explain`
// and the proof on real servers.
//
// A fixture is a txtar archive. Its comment begins with a sentence after "# ",
// then has lines of "key: value":
//
//	pg: 13..18              the versions that bad is flagged on (default: all)
//	claim: t ShareLock index  relation, lock and work of the bad example, as a
//	                        server shows it; several lines for several relations
//	transaction: none       how the tool sends the files: none, file, message
//	                        (default none)
//	runner: lock_timeout=5000  what the tool sets; after_deploy: it runs migrations after the deploy
//	uses: users.name        the deployed code uses it   (default: unknown)
//	uses: null.users.name   it cannot read NULL from it, and the new code may write NULL
//	uses: adds.users.name   the new code uses it in one more place
//	uses: marks.users.gone  the new code marks rows as deleted in it
//	defaulted: users.name   its model uses it, and leaves the value to the database
//	given: users.name       its model uses it, and writes a default of its own
//	inserts: users (name)   it has an INSERT with these columns
//	unused: users.name      nothing in the deployed code names it
//	unused: setting.app.x   it sets the session's setting app.x nowhere
//	code: users TRUNCATE users   a line of the deployed code that names it
//	today: 2027-02-02       the current day, for rules with dates
//	deprecated: users.a deprecated 2026-01-01  what onward.yaml calls deprecated
//	framework: goose        the framework for which messages are written (default sql)
//	bad.transaction: file   the same for one example only; also bad.framework
//	bad.change: edited b.sql a.sql  what happened to the history: kind, migration,
//	                        and the other one if there are two; "cosmetic"
//	                        after it for an edit of comments only, "directory"
//	                        if its directory has no migration left
//	bad.refusal: 3 text     what the tool refuses: line and message
//	bad.otherwise: none file 2 rule text  the assumed way to send the file, another
//	                        way, and an error in that case: line, rule and harm
//	bad.program: 3 fill updates t whole   what a program does before its first file: line,
//	                        name, verb, table; "few", "batches", "apart" as in script.Code
//	bad.writes: 3 fill UPDATE t a b  rows that it writes in the transaction: line, name,
//	                        verb, table, and the columns of an UPDATE
//
// and, for the proof on servers (internal/rules/tools/prove):
//
//	fails: 25001            the server refuses what is flagged, with this SQLSTATE;
//	                        "none" for an example that it does not refuse
//	old: SELECT a FROM t    a statement of the deployed code: it works before, fails
//	                        after bad, and works after fixed
//	unseen: CREATE TABLE u ()  an object of the server that the audit has not seen
//	bad.pg: 13..16          the same for one example: flagged, silent, run there
//	bad.servers: 15..       an example that is flagged everywhere, but that older
//	                        servers cannot read
//	bad.fails, bad.old, bad.unseen: the same for one example only
//
// before.sql is the deployed schema. bad*.sql are releases that must be
// flagged at each comment -- want "part of the message", or with the
// severity: -- want info "part of the message". fixed.sql is the
// safe version, good*.sql have no finding. A release of several migrations is a folder:
// bad/1.sql, bad/2.sql. fixed.sql is what the rule's fix makes of bad.sql, when
// the rule has a fix.
package ruletest

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/tools/txtar"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/rules/tools/page"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/internal/workload/deprecation"
	"github.com/onward-sql/onward/onward"
)

// Fixture is a parsed fixture.
type Fixture struct {
	Summary string
	// Versions are those that are judged. servers, which run the examples, may also be the preview.
	Versions    []int
	servers     []int
	Claims      []Claim
	Transaction onward.Transaction
	Runner      history.Runner
	Framework   string
	Uses        map[string]bool // "users.name" → used
	Defaulted   map[string]bool // by a model that leaves its value to the database
	Given       map[string]bool // by a model that writes a default
	// Inserts are the INSERTs of the deployed code, by table, as lists of columns.
	Inserts map[string][][]string
	// Code are lines of the deployed code that name a table or column.
	Code   map[string][]string
	Before string
	// Today and Deprecated are as in rule.Release.
	Today      string
	Deprecated map[string]string
	Contract   string // what the contract of a plan under way will run
	// Old are statements of the deployed code.
	Old []string
	// Fails is the SQLSTATE of the bad examples, "" when they run.
	Fails string
	// Releases are the examples, in the order of the file.
	Releases []Release
}

// Claim is what a server must show for the bad example.
type Claim struct {
	Relation string
	Lock     onward.Lock
	Work     onward.Work
}

// Release is one example: bad, fixed or good.
type Release struct {
	Name  string // "bad", "good-partial"
	Files []File
	// Transaction and Framework are the fixture's, unless the header gives
	// the example its own.
	Transaction onward.Transaction
	Framework   string
	// Together is 1 where its files run in one transaction.
	Together int
	// Connections has the connection of each statement of its first file: see buildConnections.
	Connections []int
	// Changes and Refusals are what is wrong with the history and the files.
	Changes  []history.Change
	Refusals []history.Refusal
	// Other is how the files are sent where the guess is wrong, and Otherwise what is
	// found then.
	Other     onward.Transaction
	Otherwise []onward.Finding
	// Programs are what the migration runs besides SQL.
	Programs []script.Code
	Writes   []script.Change
	// Versions are those that the example is for, Servers those that run it.
	Versions, Servers []int
	// Fails is the SQLSTATE with which the server refuses the example, "" when
	// it runs.
	Fails string
	// Old are statements of the deployed code. They work before the example, fail after a bad
	// one and work after the others.
	Old []string
	// Unseen are statements that the server ran and the audit has not seen.
	Unseen []string
}

// File is one migration of an example.
type File struct{ Name, SQL string }

// IsBad and so on tell what an example shows.
func (r *Release) IsBad() bool { return strings.HasPrefix(r.Name, "bad") }

// IsFixed reports whether it is the safe version.
func (r *Release) IsFixed() bool { return strings.HasPrefix(r.Name, "fixed") }

// SQL is the text of all files.
func (r *Release) SQL() string {
	var b strings.Builder
	for i, f := range r.Files {
		if len(r.Files) > 1 {
			if i > 0 {
				b.WriteString("\n")
			}
			fmt.Fprintf(&b, "-- %s\n", f.Name)
		}
		b.WriteString(f.SQL)
	}
	return b.String()
}

// ParseFixture reads a fixture.
func ParseFixture(data []byte) (*Fixture, error) {
	ar := txtar.Parse(data)
	f := &Fixture{
		Transaction: onward.TransactionNone,
		Framework:   "sql",
		Uses:        map[string]bool{},
		Defaulted:   map[string]bool{},
		Given:       map[string]bool{},
		Inserts:     map[string][][]string{},
		Code:        map[string][]string{},
	}
	f.Versions, f.servers = config.Default().Versions(), page.ListMajors(onward.OldestMajor, onward.PreviewMajor)
	headers, unseen, err := f.readHeaders(string(ar.Comment))
	if err != nil {
		return nil, err
	}
	if err := f.readSections(ar.Files); err != nil {
		return nil, err
	}
	for i := range f.Releases {
		r := &f.Releases[i]
		r.Unseen, r.Versions, r.Servers = slices.Clone(unseen), f.Versions, f.servers
		if r.IsBad() {
			r.Fails = f.Fails
		}
		if r.Name == "bad" || r.Name == "fixed" {
			r.Old = slices.Clone(f.Old)
		}
	}
	for _, h := range headers {
		if err := f.readExampleHeader(h[0], h[1]); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// readHeaders reads the lines before the files. It returns the lines for single examples, which
// are not known yet, and the statements that are unseen in all of them.
func (f *Fixture) readHeaders(text string) (headers [][2]string, unseen []string, err error) {
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		if about, ok := strings.CutPrefix(line, "#"); ok {
			f.Summary = strings.TrimSpace(f.Summary + " " + strings.TrimSpace(about))
			continue
		}
		if strings.TrimSpace(line) == "" {
			continue
		}
		key, value, ok := strings.Cut(line, ":")
		if !ok {
			return nil, nil, fmt.Errorf("header line %q is neither a # comment nor key: value", line)
		}
		if strings.Contains(key, ".") {
			headers = append(headers, [2]string{key, strings.TrimSpace(value)})
			continue
		}
		if key == "unseen" {
			unseen = append(unseen, strings.TrimSpace(value))
			continue
		}
		if err := f.readHeader(key, strings.TrimSpace(value)); err != nil {
			return nil, nil, err
		}
	}
	return headers, unseen, nil
}

// readSections reads the schema and the examples.
func (f *Fixture) readSections(files []txtar.File) error {
	for _, file := range files {
		switch {
		case file.Name == "before.sql":
			f.Before = string(file.Data)
		case strings.HasPrefix(file.Name, "bad"), strings.HasPrefix(file.Name, "fixed"), strings.HasPrefix(file.Name, "good"):
			name, rest, several := strings.Cut(file.Name, "/")
			if !several {
				name, rest = strings.TrimSuffix(name, filepath.Ext(name)), file.Name
			}
			if n := len(f.Releases); several && n > 0 && f.Releases[n-1].Name == name {
				f.Releases[n-1].Files = append(f.Releases[n-1].Files, File{rest, string(file.Data)})
				continue
			}
			f.Releases = append(f.Releases, Release{
				Name: name, Files: []File{{rest, string(file.Data)}}, Transaction: f.Transaction, Framework: f.Framework,
			})
		default:
			return fmt.Errorf("section %s: the names are before.sql, bad*, fixed*, good*", file.Name)
		}
	}
	return nil
}

// Run judges a release of the fixture with the given rules, on the default versions and those that the fixture names.
func (f *Fixture) Run(rules []*rule.Rule, r *Release) ([]onward.Finding, error) {
	all := append(config.Default().Versions(), f.Versions...)
	slices.Sort(all)
	return f.RunOn(rules, r, slices.Compact(all))
}

// NewEngine returns an engine with the fixture's deployed code, after before.sql.
func (f *Fixture) NewEngine(rules []*rule.Rule, versions []int) (*rule.Engine, error) {
	severity := map[string]onward.Severity{}
	for _, x := range rules {
		severity[x.ID] = x.Severity
	}
	e := rule.NewEngine(rule.Config{
		Rules:       rules,
		Versions:    versions,
		Severity:    severity,
		Uses:        f.newUsageLookup(),
		Deprecated:  f.Deprecated,
		Today:       f.Today,
		NoticeDays:  deprecation.NoticeDays,
		Bookkeeping: all.HistoryTableNames(),
	}, nil)
	if f.Before == "" {
		return e, nil
	}
	before, err := buildScript(f.Before, onward.TransactionNone)
	if err != nil {
		return nil, err
	}
	for _, s := range before.Statements {
		if s.Err != nil {
			return nil, fmt.Errorf("before.sql:%d: %w", s.Line, s.Err)
		}
	}
	e.FoldDeployed(before)
	contract := onward.Plan{Steps: []onward.PlanStep{{Phase: onward.Contract, SQL: f.Contract}}}
	e.Release().LaterDrops = analysis.ListLaterDrops(&contract, e.Release().Deployed, func(string) bool { return false })
	return e, nil
}

// RunOn judges a release on the given versions.
func (f *Fixture) RunOn(rules []*rule.Rule, r *Release, versions []int) ([]onward.Finding, error) {
	e, err := f.NewEngine(rules, versions)
	if err != nil {
		return nil, err
	}
	e.Release().Known = len(r.Unseen) == 0
	e.Release().Changes = r.Changes
	for i, file := range r.Files {
		s, err := r.buildFile(i)
		if err != nil {
			return nil, err
		}
		for _, st := range s.Statements {
			if st.Err != nil && !st.Err.Refused {
				return nil, fmt.Errorf("%s:%d: %w", file.Name, st.Line, st.Err)
			}
		}
		if i == 0 {
			s.Source.Code, s.Source.Changes = r.Programs, r.Writes
		}
		runner := f.Runner
		runner.Tool, runner.Otherwise = all.Traits(r.Framework).Tool, r.Other
		m := &rule.Migration{
			ID: file.Name, Path: file.Name, Framework: r.Framework, Status: onward.StatusNew,
			Mode: r.Transaction, Script: s, Runner: runner, Refusals: r.Refusals, Together: r.Together,
		}
		if runner.KeepsSession {
			m.Session = 1
		}
		if i == 0 {
			m.Otherwise = r.Otherwise
		}
		if err := JudgeMigration(e, m); err != nil {
			return nil, err
		}
	}
	findings, _ := e.Finish()
	return findings, takeFirstFault(e)
}

// JudgeMigration judges a migration; a fault of onward's own is an error.
func JudgeMigration(e *rule.Engine, m *rule.Migration) error {
	e.FoldMigration(m)
	for _, s := range m.Statements {
		if s.Fault != nil {
			return fmt.Errorf("%s:%d: %w", m.Path, s.Line, s.Fault)
		}
	}
	e.RunRules(m)
	return takeFirstFault(e)
}

func takeFirstFault(e *rule.Engine) error {
	for _, f := range e.TakeFaults() {
		return fmt.Errorf("rule %s: %w", f.Rule, f.Err)
	}
	return nil
}

var want = lazyregexp.New(`-- want (?:(info|warning|error) )?("(?:[^"\\]|\\.)*")`)

// Want is an expectation: part of a finding's message, and its severity where
// the fixture says it.
type Want struct{ Severity, Text string }

// ParseWants are the expectations in a file, by line.
func ParseWants(sql string) (map[int][]Want, error) {
	out := map[int][]Want{}
	for i, line := range strings.Split(sql, "\n") {
		for _, m := range want.FindAllStringSubmatch(line, -1) {
			text, err := strconv.Unquote(m[2])
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", i+1, err)
			}
			out[i+1] = append(out[i+1], Want{m[1], text})
		}
	}
	return out, nil
}

// CleanExample is an example without its expectations, for people.
func CleanExample(sql string) string {
	lines := strings.Split(sql, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(want.ReplaceAllString(l, ""), " \t")
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n") + "\n"
}
