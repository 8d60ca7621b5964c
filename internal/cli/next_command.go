package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

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
	given := map[string]bool{}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		given[f.Name] = true
		switch f.Name {
		case "html", "output", "format", "rehearse", "fix", "fail-on", "verbose", "quiet":
			return
		}
		words = append(words, flagWord(f))
	})
	full := given["rows"] || given["like"] || given["dump"]
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
	words := []string{"onward plan"}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		switch f.Name {
		case "base", "head", "framework", "config", "schema", "pg", "db":
			words = append(words, flagWord(f))
		}
	})
	return strings.Join(words, " ")
}

// repeatCommand returns a command as it was typed, without values that may hold a secret.
func repeatCommand(cmd *cobra.Command) string {
	words := []string{cmd.CommandPath()}
	cmd.Flags().Visit(func(f *pflag.Flag) { words = append(words, flagWord(f)) })
	return strings.Join(words, " ")
}

// fillAddress gives a printed command the address of --db, if it was typed as the place that holds it: env:NAME or @FILE.
func fillAddress(cmd *cobra.Command, command string) string {
	if f := cmd.Flags().Lookup("db"); f != nil {
		return strings.ReplaceAll(command, "--db ADDRESS", flagWord(f))
	}
	return command
}

// namesPlace reports whether the value of an address names the place that holds it.
func namesPlace(address string) bool {
	return strings.HasPrefix(address, "env:") || strings.HasPrefix(address, "@")
}

// flagWord returns a flag as written, without a value that may hold a secret.
func flagWord(f *pflag.Flag) string {
	switch f.Name {
	case "db", "replica", "postgres":
		if value := f.Value.String(); namesPlace(value) {
			return "--" + f.Name + " " + escape.QuoteShell(value)
		}
		return "--" + f.Name + " ADDRESS"
	case "notify", "health", "throttle-sql":
		return "--" + f.Name + " …"
	}
	value := f.Value.String()
	if s, ok := f.Value.(pflag.SliceValue); ok {
		value = strings.Join(s.GetSlice(), " --"+f.Name+" ")
	}
	switch {
	case f.Value.Type() == "bool" && value == "true":
		return "--" + f.Name
	case f.Value.Type() == "bool":
		return "--" + f.Name + "=" + value
	case strings.ContainsAny(value, " '\"$`\\;&|<>()*?#!"):
		value = "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
	}
	return "--" + f.Name + " " + value
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
