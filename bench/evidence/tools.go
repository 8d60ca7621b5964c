package main

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// question is a release in a clone, with a worktree at its head.
type question struct {
	head, clone string // directories: the worktree, and the clone
	from, to    string // commits: the base and the head
	recording   string // the file that onward record wrote
}

// tools are the columns of the page.
var tools = []struct {
	name string
	ask  func(context.Context, *options, Application, question) (*Answer, error)
}{
	{"changelog", askOnward(rateChangelog, "changelog")},
	{"verify", askOnward(rateVerify, "verify", "--workload")},
	{"verify --replay", askOnward(rateVerify, "verify", "--replay", "--workload")},
	{"migcheck", askMigcheck},
}

// askOnward runs a command of onward. If its last argument is --workload, the recording follows.
func askOnward(read func(*onward.Report) (Level, string), args ...string) func(context.Context, *options, Application, question) (*Answer, error) {
	return func(ctx context.Context, o *options, a Application, q question) (*Answer, error) {
		words := append([]string{}, args...)
		if words[len(words)-1] == "--workload" {
			words = append(words, q.recording)
		}
		words = append(words, "--pg", o.version, "--base", q.from, "--head", q.to, "--format", "json")
		env, err := o.readEnvironment(ctx, a, q.head)
		if err != nil {
			return nil, err
		}
		if config, err := os.ReadFile(filepath.Join(o.recipes, a.recipeName(), "onward.yaml")); err == nil {
			if err := os.WriteFile(filepath.Join(q.head, "onward.yaml"), config, 0o600); err != nil {
				return nil, err
			}
			words = append(words, "--config", "onward.yaml")
		}
		r, err := runMeasured(ctx, q.head, env, o.onward, words...)
		if err != nil {
			return nil, err
		}
		_ = os.WriteFile(q.head+"."+strings.Join(args, "")+".json", []byte(r.out+r.err), 0o600)
		answer := &Answer{CPU: r.cpu, Wall: r.wall}
		report, err := readReport(r.out)
		if err != nil {
			answer.Level, answer.Says = LevelNone, "exit code "+strconv.Itoa(r.exit)
			return answer, nil //nolint:nilerr // No answer is a result.
		}
		answer.Level, answer.Says = read(report)
		return answer, nil
	}
}

// readEnvironment returns the lines NAME=value that a recipe's program env prints; none without such a program.
func (o *options) readEnvironment(ctx context.Context, a Application, dir string) ([]string, error) {
	program := filepath.Join(o.recipes, a.recipeName(), "env")
	if _, err := os.Stat(program); err != nil {
		return nil, nil //nolint:nilerr // A recipe without env needs none.
	}
	out, err := runCommandIn(ctx, dir, "", program)
	return strings.Split(strings.TrimSpace(out), "\n"), err
}

// rateChangelog takes the findings that are about the deployed code and the rows. Whether statements wait is no question of a suite.
func rateChangelog(r *onward.Report) (Level, string) {
	level, says := LevelSafe, ""
	for _, f := range r.Findings {
		switch f.Category {
		case onward.Locking, onward.InTransaction, onward.Design, onward.Idempotency:
			continue
		}
		level, says = raiseLevel(level, says, f.Severity, f.Rule)
	}
	if r.Summary.State == onward.StateNone && level == LevelSafe {
		return LevelNone, r.Summary.Verdict
	}
	return level, says
}

// rateVerify takes the deployed code's queries, and the rows on which the release fails.
func rateVerify(r *onward.Report) (Level, string) {
	level, says := LevelSafe, ""
	for _, v := range r.Verdicts {
		if v.Code == "old" {
			level, says = raiseLevel(level, says, v.Severity, strings.TrimSpace(string(v.Kind)+" "+v.SQLState))
		}
	}
	for _, f := range r.Findings {
		if strings.HasPrefix(f.Rule, "rehearsal-") {
			level, says = raiseLevel(level, says, f.Severity, f.Rule)
		}
	}
	if level == LevelSafe && (r.Verification == nil || r.Summary.State == onward.StateNone) {
		return LevelNone, r.Summary.Verdict
	}
	return level, says
}

func raiseLevel(level Level, says string, severity onward.Severity, message string) (Level, string) {
	switch {
	case severity == onward.Error && level != LevelError:
		return LevelError, message
	case severity == onward.Warning && level == LevelSafe:
		return LevelWarning, message
	}
	return level, says
}

// askMigcheck runs migcheck with the same suite. It starts its servers by docker; the program docker beside this file starts them here.
func askMigcheck(ctx context.Context, o *options, a Application, q question) (*Answer, error) {
	if o.migcheck == "" {
		return nil, nil //nolint:nilnil // It is not asked.
	}
	dir, err := filepath.Abs("bench/evidence")
	if err != nil {
		return nil, err
	}
	env := []string{"PATH=" + filepath.Join(dir, "standin") + ":" + os.Getenv("PATH"), "EVIDENCE_PROGRAMS=" + o.programs}
	recipe := filepath.Join(dir, "standin", "with-address") + " " + filepath.Join(o.recipes, a.recipeName())
	r, err := runMeasured(ctx, q.clone, env, o.migcheck, "--repo", q.clone, "--base", q.from, "--head", q.to,
		"--migrate", recipe+"/migrate", "--workload", recipe+"/suite")
	if err != nil {
		return nil, err
	}
	_ = os.WriteFile(q.head+".migcheck.log", []byte(r.out+r.err), 0o600)
	level, says := rateMigcheck(r.out, r.exit)
	return &Answer{Level: level, Says: says, CPU: r.cpu, Wall: r.wall}, nil
}

var (
	failures = regexp.MustCompile(`(?m)^ +\[(\w{5})\] `)
	probes   = regexp.MustCompile(`(?m)^Schema probes: \d+ changes? in`)
)

// rateMigcheck takes its exit code, and the first error that it names.
func rateMigcheck(out string, exit int) (Level, string) {
	_, errorText, _ := strings.Cut(out, "FAIL: ")
	switch m := failures.FindStringSubmatch(errorText); {
	case exit == 1 && m != nil:
		return LevelError, m[1]
	case exit == 1:
		return LevelError, ""
	case exit != 0:
		return LevelNone, ""
	case probes.MatchString(out):
		return LevelWarning, "schema probe"
	}
	return LevelSafe, ""
}
