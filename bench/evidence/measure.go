package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// options are the flags, which main declares with their meaning. tools is "" for all.
type options struct {
	repositories, recipes, work string
	onward, migcheck, tools     string
	server, programs, version   string
}

// release is a release that the tools judge. Its base is the clone's.
type release struct {
	change string // the name of the planted change; "" for the real release
	head   string // the commit of the release
	old    string // the commit of the deployed code with the migrations of the head
}

// measureApplication measures the real release of an application and its planted ones, and stores each result when it is known.
func (o *options) measureApplication(ctx context.Context, a Application, change string) error {
	for _, path := range []*string{&o.onward, &o.recipes, &o.repositories, &o.work} {
		absolute, err := filepath.Abs(*path)
		if err != nil {
			return err
		}
		*path = absolute
	}
	bare := filepath.Join(o.repositories, strings.ReplaceAll(a.Repository, "/", "+"), "repo")
	r, err := cloneRepository(ctx, bare, filepath.Join(o.work, a.Name), a.Base)
	if err != nil {
		return err
	}
	base, err := r.addWorktree(ctx, "base", r.base)
	if err != nil {
		return err
	}
	recording := filepath.Join(o.work, a.Name, "deployed.json.gz")
	if _, err := os.Stat(recording); err != nil && o.tools != "changelog" {
		if err := o.recordSuite(ctx, a, base, recording); err != nil {
			return err
		}
	}
	releases, err := commitReleases(ctx, r, a, change)
	if err != nil {
		return err
	}
	for _, rel := range releases {
		result, err := o.measureRelease(ctx, a, r, rel, recording)
		if err != nil {
			return fmt.Errorf("%s: %w", rel.change, err)
		}
		if err := storeResult(result); err != nil {
			return err
		}
		fmt.Printf("%-12s %-32s suite fails: %-5v %d", a.Name, rel.change, result.Suite.Fails, result.Suite.Failed)
		for _, tool := range tools { // those not asked are empty
			fmt.Printf("  %s: %s %s %.1f s", tool.name, result.Answers[tool.name].Level, result.Answers[tool.name].Says, result.Answers[tool.name].CPU)
		}
		fmt.Println()
	}
	return nil
}

// commitReleases commits the releases of an application: the real one, called "", and the planted ones.
func commitReleases(ctx context.Context, r *room, a Application, change string) ([]release, error) {
	var list []release
	for _, c := range a.Changes {
		if change != "" && !slices.Contains(strings.Split(change, ","), c.Name) {
			continue
		}
		head, err := r.commitPlanted(ctx, a.Path, plantText(a.Lines, c.SQL))
		if err != nil {
			return nil, err
		}
		list = append(list, release{c.Name, head, head})
	}
	if a.Head == "" || change != "" && !slices.Contains(strings.Split(change, ","), "release") {
		return list, nil
	}
	head, err := r.commitTree(ctx, r.base, a.Head)
	if err != nil {
		return nil, err
	}
	old, err := r.commitBaseWithMigrations(ctx, head, a.Migrations)
	return append(list, release{"", head, old}), err
}

// plantText is the text of a planted migration.
func plantText(lines []string, sql string) string {
	return strings.ReplaceAll(strings.Join(lines, "\n")+"\n", "{{SQL}}", sql)
}

func (o *options) measureRelease(ctx context.Context, a Application, r *room, rel release, recording string) (Result, error) {
	result := Result{Application: a.Name, Change: rel.change, Answers: map[string]Answer{}}
	var err error
	if o.isToolSelected("suite") {
		result.Suite, err = o.measureSuite(ctx, a, r, rel)
	} else {
		result.Suite, err = findSuiteResult(a.Name, rel.change)
	}
	if err != nil {
		return result, err
	}
	head, err := r.addWorktree(ctx, "head", rel.head)
	if err != nil {
		return result, err
	}
	for _, tool := range tools {
		if !o.isToolSelected(tool.name) {
			continue
		}
		answer, err := tool.ask(ctx, o, a, question{head: head, clone: r.dir, from: r.base, to: rel.head, recording: recording})
		if err != nil {
			return result, fmt.Errorf("%s: %w", tool.name, err)
		}
		if answer != nil {
			result.Answers[tool.name] = *answer
		}
	}
	return result, nil
}

// isToolSelected reports whether a tool, or the suite, is asked.
func (o *options) isToolSelected(name string) bool {
	return o.tools == "" || slices.Contains(strings.Split(o.tools, ","), name)
}

// measureSuite runs the deployed code's suite on the new schema.
func (o *options) measureSuite(ctx context.Context, a Application, r *room, rel release) (Suite, error) {
	old, err := r.addWorktree(ctx, "old", rel.old)
	if err != nil {
		return Suite{}, err
	}
	suite, err := o.runSuite(ctx, a, old)
	if err != nil {
		return suite, err
	}
	if suite.Tests == 0 && suite.Refused { // its own rows do not fit the new schema
		results, err := readResults(resultsFile)
		if err != nil {
			return suite, err
		}
		suite.Tests = results.Recordings[a.Name].Tests
		suite.Failed = suite.Tests
	}
	if suite.Tests == 0 {
		return suite, errors.New("no test of the suite ran on the new schema")
	}
	if suite.Fails && suite.Failed <= 2 {
		retried, err := o.runSuite(ctx, a, old)
		if err != nil || !retried.Fails {
			return suite, errors.Join(err, errors.New("the suite fails on the new schema, and then does not"))
		}
	}
	return suite, nil
}

// findSuiteResult returns what a suite was measured to do.
func findSuiteResult(application, change string) (Suite, error) {
	results, err := readResults(resultsFile)
	if err != nil {
		return Suite{}, err
	}
	for _, r := range results.Results {
		if r.Application == application && r.Change == change {
			return r.Suite, nil
		}
	}
	return Suite{}, errors.New("its suite was not measured yet: leave out -tools")
}

// runSuite runs the suite in a worktree on a new database of the server for suites.
func (o *options) runSuite(ctx context.Context, a Application, dir string) (Suite, error) {
	userinfo, address, _ := strings.Cut(o.server, "@")
	user, password, _ := strings.Cut(userinfo, ":")
	host, port, _ := strings.Cut(address, ":")
	address = "postgresql://" + o.server + "/"
	name := "evidence_" + a.recipeName()
	for _, sql := range []string{"DROP DATABASE IF EXISTS " + name + " WITH (FORCE)", "CREATE DATABASE " + name} {
		if _, err := runCommandIn(ctx, dir, "", filepath.Join(o.programs, "psql"), "-X", "-q", "-d", address+"postgres", "-c", sql); err != nil {
			return Suite{}, err
		}
	}
	c := exec.CommandContext(ctx, filepath.Join(o.recipes, a.recipeName(), "suite")) //nolint:gosec // The caller names the directory.
	c.Dir = dir
	c.Env = append(os.Environ(), "DATABASE_URL="+address+name, "PGUSER="+user, "PGPASSWORD="+password, "PGHOST="+host, "PGPORT="+port,
		"PGDATABASE="+name, "PGSSLMODE=disable")
	out, err := c.CombinedOutput()
	_ = os.WriteFile(dir+".suite.log", out, 0o600)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return Suite{}, err
	}
	s := parseSuiteOutput(string(out))
	s.Fails = err != nil
	s.Refused = s.Fails && s.Tests == 0 && serverErrors.Match(out)
	return s, nil
}

// serverErrors are the forms in which drivers print an error of the server.
var serverErrors = regexp.MustCompile(`\bpq: |\(SQLSTATE [0-9A-Z]{5}\)|psycopg\.errors\.|(?m)^ERROR: `)

// outcomes have the closing lines of runners: the tests that ran, those that failed, those that passed.
var outcomes = []struct {
	line *regexp.Regexp
	all  bool
	fail bool
}{
	{regexp.MustCompile(`(?m)^Ran (\d+) tests? in`), true, false},                     // unittest, Django
	{regexp.MustCompile(`(?m)^FAILED \(.*?failures=(\d+)`), false, true},              // unittest, Django
	{regexp.MustCompile(`(?m)^FAILED \(.*?errors=(\d+)`), false, true},                // unittest, Django
	{regexp.MustCompile(`(?m)^=* ?(?:\d+ failed, )?(\d+) passed.* in `), true, false}, // pytest
	{regexp.MustCompile(`(?m)^=* ?(\d+) failed.* in `), true, true},                   // pytest
	{regexp.MustCompile(`(?m)(\d+) errors? in `), true, true},                         // pytest
	{regexp.MustCompile(`(?m)^ +Tests .*?(\d+) failed`), true, true},                  // vitest
	{regexp.MustCompile(`(?m)^ +Tests .*?(\d+) passed`), true, false},                 // vitest
	{regexp.MustCompile(`(?m)^(\d+) runs, `), true, false},                            // minitest
	{regexp.MustCompile(`(?m)^\d+ runs, .* (\d+) failures`), false, true},             // minitest
	{regexp.MustCompile(`(?m)^\d+ runs, .* (\d+) errors`), false, true},               // minitest
}

var colours = regexp.MustCompile("\x1b\\[[0-9;]*m")

// goTest is the end of one test of go test -v.
var goTest = regexp.MustCompile(`(?m)^--- (PASS|FAIL):`)

// parseSuiteOutput reads the closing lines of a suite's runner.
func parseSuiteOutput(out string) Suite {
	out = colours.ReplaceAllString(out, "")
	var s Suite
	for _, o := range outcomes {
		for _, m := range o.line.FindAllStringSubmatch(out, -1) {
			n, _ := strconv.Atoi(m[1])
			if o.all {
				s.Tests += n
			}
			if o.fail {
				s.Failed += n
			}
		}
	}
	for _, m := range goTest.FindAllStringSubmatch(out, -1) {
		s.Tests++
		if m[1] == "FAIL" {
			s.Failed++
		}
	}
	return s
}

// recordSuite runs the suite, which must pass, and runs it again through onward, which keeps the recording with its values.
func (o *options) recordSuite(ctx context.Context, a Application, dir, file string) error {
	suite, err := o.runSuite(ctx, a, dir)
	if err != nil {
		return err
	}
	if suite.Fails {
		return fmt.Errorf("the suite fails on the deployed schema: %d of %d tests", suite.Failed, suite.Tests)
	}
	r, err := runMeasured(ctx, dir, nil, o.onward, "record", "--pg", o.version, "--values", "-o", file, "--", filepath.Join(o.recipes, a.recipeName(), "suite"))
	if err != nil {
		return err
	}
	if r.exit != 0 {
		return fmt.Errorf("onward record: exit code %d: %s", r.exit, keepTail(r.err))
	}
	m := sentTimes.FindStringSubmatch(r.err)
	if m == nil {
		return fmt.Errorf("onward record says no count: %s", keepTail(r.err))
	}
	sent, err := strconv.Atoi(m[1])
	if err != nil {
		return err
	}
	results, err := readResults(resultsFile)
	if err != nil {
		return err
	}
	results.Recordings[a.Name] = Recording{Tests: suite.Tests, Statements: sent, CPU: r.cpu}
	return writeResults(results)
}

var sentTimes = regexp.MustCompile(`sent (\d+) times`)

// storeResult replaces the result of the same release.
func storeResult(result Result) error {
	results, err := readResults(resultsFile)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(results.Results, func(r Result) bool { return r.Application == result.Application && r.Change == result.Change })
	if i < 0 {
		results.Results = append(results.Results, result)
		return writeResults(results)
	}
	for name, answer := range results.Results[i].Answers {
		if _, ok := result.Answers[name]; !ok {
			result.Answers[name] = answer
		}
	}
	results.Results[i] = result
	return writeResults(results)
}

func writeResults(r *Results) error {
	data, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(resultsFile, append(data, '\n'), 0o644) //nolint:gosec // It is a file of this repository.
}

func keepTail(text string) string { return text[max(0, len(text)-1500):] }

// readReport reads a report of onward.
func readReport(text string) (*onward.Report, error) {
	r := &onward.Report{}
	if err := json.Unmarshal([]byte(text), r); err != nil || r.Schema == "" {
		return nil, fmt.Errorf("not a report: %w: %.300s", err, text)
	}
	return r, nil
}
