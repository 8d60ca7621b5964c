package cli

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/internal/fleet"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/internal/rules"
	"github.com/onward-sql/onward/onward"
)

// setNextCommand sets the next command of a report:
//   - If it was not rehearsed, plan a release that makes others wait or breaks their code.
//   - If it was rehearsed, rehearse it on full tables and with traffic, unless it had both.
//   - If it had both, rehearse it again after the worst finding is fixed.
func setNextCommand(cmd *cobra.Command, r *onward.Report) {
	if len(r.Rehearsals) == 0 {
		if isPlannable(r) {
			r.Summary.Next = slices.Insert(r.Summary.Next, 0, planWords(cmd))
		}
		return
	}
	run := &r.Rehearsals[0]
	words := []string{"onward rehearse"}
	givenFlags := map[string]bool{}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		givenFlags[f.Name] = true
		switch f.Name {
		case "html", "output", "format", "rehearse", "with", "workload-head", "also", "values-identity", "show-values", "fix", "fail-on", "verbose", "quiet":
			return
		}
		words = append(words, flagWord(f))
	})
	full := givenFlags["rows"] || givenFlags["like"] || givenFlags["dump"]
	switch {
	case !full && run.Traffic == nil:
		words = append(words, "--rows 1e6", "--traffic")
	case !full:
		words = append(words, "--rows 1e6")
	case run.Traffic == nil:
		words = append(words, "--traffic")
	default:
		worst := worstFile(r)
		if worst == "" {
			return
		}
		words = append(words, " # when the fix is in "+worst)
	}
	r.Summary.Next = []string{strings.Join(words, " ")}
}

// isPlannable reports whether a plan may avoid a finding of this kind.
func isPlannable(r *onward.Report) bool {
	return slices.ContainsFunc(r.Findings, func(f onward.Finding) bool {
		known := rules.FindRule(f.Rule)
		return f.Severity == onward.Error && (f.Category == onward.Locking || f.Category == onward.Compatibility && (known == nil || !known.BreaksNewCode))
	})
}

// planWords returns the command that plans the release of another command.
func planWords(cmd *cobra.Command) string {
	return otherCommandWithFlags(cmd, "onward plan", "base", "head", "framework", "config", "schema", "pg", "db")
}

// isContinuable reports whether the same command continues or repeats what this one began.
func isContinuable(cmd *cobra.Command) bool {
	for c := cmd; c != nil; c = c.Parent() {
		switch c.Name() {
		case "plan", "apply", "backfill", "contract", "abort", "guard", "fleet":
			return true
		}
	}
	return false
}

// repeatCommand returns a command as it was typed, without values that may hold a secret.
func repeatCommand(cmd *cobra.Command) string {
	words := append([]string{cmd.CommandPath()}, flagWords(cmd, func(string) bool { return true })...)
	if cmd.Name() == "guard" || cmd.Name() == "worker" {
		if args := cmd.Flags().Args(); len(args) > 0 {
			words = append(words, "--")
			for _, arg := range args {
				words = append(words, argumentWord(arg))
			}
		}
	}
	return strings.Join(words, " ")
}

// flagWords returns the flags of a command that were typed and whose names are chosen.
func flagWords(cmd *cobra.Command, isChosen func(name string) bool) (words []string) {
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if isChosen(f.Name) {
			words = append(words, flagWord(f))
		}
	})
	return words
}

// otherCommandWithFlags returns another command with the flags of this one that both have.
func otherCommandWithFlags(cmd *cobra.Command, other string, names ...string) string {
	return strings.Join(append([]string{other}, flagWords(cmd, func(name string) bool { return slices.Contains(names, name) })...), " ")
}

// fillAddress gives a printed command the address of --db, if it may be printed.
func fillAddress(cmd *cobra.Command, command string) string {
	if f := cmd.Flags().Lookup("db"); f != nil && f.Changed {
		return strings.ReplaceAll(command, "--db ADDRESS", flagWord(f))
	}
	return command
}

// addressWord returns the value of an address for a shell: the place that holds it, or the address itself if it has no secret and
// no unknown part. ADDRESS stands for any other.
func addressWord(value string) string {
	if place := findPlace(value); place != "" {
		return escape.QuoteShell(place)
	}
	if !address.IsPrintable(value) {
		return "ADDRESS"
	}
	return escape.QuoteShell(value)
}

// argumentWord returns an argument of a program for a shell. A variable of the environment stands for a secret.
func argumentWord(value string) string {
	if !hasSecret(value) {
		return escape.QuoteShell(value)
	}
	if name := findVariable(value); name != "" {
		return `"$` + name + `"`
	}
	return "…"
}

// findPlace returns the place that holds a value: @FILE or env:NAME, also if the value itself was typed; "" if none is known.
func findPlace(value string) string {
	if strings.HasPrefix(value, "env:") || strings.HasPrefix(value, "@") {
		return value
	}
	if name := findVariable(value); name != "" {
		return "env:" + name
	}
	return ""
}

// findVariable returns the first name of the environment's variables that have a value.
func findVariable(value string) string {
	var names []string
	for _, pair := range os.Environ() {
		if name, text, _ := strings.Cut(pair, "="); text == value && value != "" && variableName.MatchString(name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return slices.Min(names)
}

// variableName matches a variable that a shell hands on. A shell sets "_" itself.
var variableName = lazyregexp.New(`^[A-Za-z][A-Za-z0-9_]*$`)

func hasSecret(value string) bool {
	return address.HidePasswords(value) != value || len(address.ListTypedSecrets([]string{value})) > 0
}

// flagWord returns a flag as written, without a value that may hold a secret.
func flagWord(f *pflag.Flag) string {
	values := []string{f.Value.String()}
	if s, ok := f.Value.(pflag.SliceValue); ok {
		values = s.GetSlice()
	}
	words := make([]string, len(values))
	for i, value := range values {
		words[i] = flagValueWord(f, value)
	}
	return strings.Join(words, " ")
}

// flagValueWord returns a flag with one of its values.
func flagValueWord(f *pflag.Flag, value string) string {
	name := "--" + f.Name
	switch {
	case f.Value.Type() == "bool" && value == "true":
		return name
	case f.Value.Type() == "bool" || f.Value.Type() == "count":
		return name + "=" + value
	}
	switch f.Name {
	case "db", "replica", "postgres", "queue":
		return name + " " + addressWord(value)
	case "notify": // the path of a webhook is a secret
		place := findPlace(value)
		if place == "" {
			return name + " …"
		}
		value = place
	case "health": // it is often a URL with a token, or a command with one
		if variable := findVariable(value); variable != "" {
			return name + ` "$` + variable + `"`
		}
		return name + " …"
	case "throttle-sql":
		return name + " " + argumentWord(value)
	}
	return name + " " + escape.QuoteShell(value)
}

// nextError is an error after which another command follows.
type nextError struct {
	error
	next string
}

func (e *nextError) Unwrap() error { return e.error }

// addPlanListHint adds the command that lists the plans to an error about the choice of a plan.
func addPlanListHint(cmd *cobra.Command, err error) error {
	if isAny[*apply.ChoiceError](err) {
		return &nextError{err, otherCommandWithFlags(cmd, "onward status", "db", "schema")}
	}
	return err
}

// mayRepeat reports whether the same command may succeed after an error: not if it is another release, ledger or login that it needs.
func mayRepeat(err error) bool {
	return !fleet.IsInputError(err) && !isAny[*apply.OtherError](err) && !isAny[*apply.PlantedError](err)
}

// printNext prints the next command, in one line so that it can be copied.
func (a *app) printNext(command string) {
	if command != "" && !a.flags.quiet {
		if strings.Contains(command, " ADDRESS") {
			command += " # ADDRESS: env:NAME or @FILE, so that no log has the password"
		}
		fmt.Fprintln(a.err, escape.Line("onward: next: "+address.HidePasswords(command, a.typedSecrets...)))
	}
}

// worstFile returns the file of the worst finding; "" if no finding is worse than a note.
func worstFile(r *onward.Report) string {
	severity, file := onward.Info, ""
	for i := range r.Findings {
		if f := &r.Findings[i]; f.Severity > severity && f.Path != "" {
			severity, file = f.Severity, view.ShortName(f.Path)
		}
	}
	return file
}
