package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/bench/measure"
)

// score counts the answers of a tool.
type score struct {
	named, warned, missed int       // releases that break: reported as an error, as a warning, called safe
	quiet, hinted, false_ int       // safe releases: called safe, reported as a warning, as an error
	none                  int       // releases without an answer
	cpu                   []float64 // seconds of each answer
}

func (s *score) addAnswer(fails bool, a Answer) {
	s.cpu = append(s.cpu, a.CPU)
	counts := map[Level]*int{LevelError: &s.false_, LevelWarning: &s.hinted, LevelSafe: &s.quiet, LevelNone: &s.none}
	if fails {
		counts = map[Level]*int{LevelError: &s.named, LevelWarning: &s.warned, LevelSafe: &s.missed, LevelNone: &s.none}
	}
	*counts[a.Level]++
}

// renderPage returns the text of docs/evidence.md for the measured results.
func renderPage(list []Application, results *Results) string {
	var b strings.Builder
	b.WriteString(pageHead)
	writeScores(&b, list, results)
	b.WriteString(pageColumns)
	b.WriteString("## The applications\n\n| application | releases | tool | suite | tests | statements recorded | CPU of the recording |\n" +
		"| --- | --- | --- | --- | ---: | ---: | ---: |\n")
	for _, a := range list {
		r, measured := results.Recordings[a.Name]
		if !measured {
			continue
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %d | %d | %.1f s |\n", a.Repository, nameReleases(a, results), a.Tool, a.Suite, r.Tests, r.Statements, r.CPU)
	}
	b.WriteString("\n## Each release\n")
	for _, a := range list {
		writeApplication(&b, a, results)
	}
	b.WriteString(pageEnd)
	return b.String()
}

// nameReleases names the base, and the real release if it was measured.
func nameReleases(a Application, results *Results) string {
	if !slices.ContainsFunc(results.Results, func(r Result) bool { return r.Application == a.Name && r.Change == "" }) {
		return fmt.Sprintf("%s (%.9s)", a.BaseName, a.Base)
	}
	return fmt.Sprintf("%s..%s (%.9s..%.9s)", a.BaseName, a.HeadName, a.Base, a.Head)
}

// countRepositories counts the repositories that have a result.
func countRepositories(list []Application, results *Results) int {
	found := map[string]bool{}
	for _, r := range results.Results {
		for _, a := range list {
			if a.Name == r.Application {
				found[a.Repository] = true
			}
		}
	}
	return len(found)
}

func writeScores(b *strings.Builder, list []Application, results *Results) {
	scores := map[string]*score{}
	breaks, release := 0, 0
	for _, r := range results.Results {
		if r.Change == "" {
			release++
		}
		if r.Suite.Fails {
			breaks++
		}
		for name, a := range r.Answers {
			if scores[name] == nil {
				scores[name] = &score{}
			}
			scores[name].addAnswer(r.Suite.Fails, a)
		}
	}
	fmt.Fprintf(b, "%d releases of %d applications, %d of them real: the suite fails on the new schema of %d, and passes on %d.\n\n",
		len(results.Results), countRepositories(list, results), release, breaks, len(results.Results)-breaks)
	b.WriteString("| | breaks: error | warning | called safe | safe: called safe | warning | error | no answer | CPU, median |\n" +
		"| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	for _, tool := range tools {
		s := scores[tool.name]
		if s == nil {
			continue
		}
		fmt.Fprintf(b, "| %s | %d | %d | %d | %d | %d | %d | %d | %.1f s |\n", formatToolName(tool.name), s.named, s.warned, s.missed, s.quiet, s.hinted, s.false_,
			s.none, measure.Median(s.cpu))
	}
	b.WriteString("\n")
}

// formatToolName returns a tool's name on the page.
func formatToolName(name string) string {
	if name == "migcheck" {
		return "migcheck 0.5.0"
	}
	return "`onward " + name + "`"
}

func writeApplication(b *strings.Builder, a Application, results *Results) {
	var lines []string
	for _, r := range results.Results {
		if r.Application != a.Name {
			continue
		}
		change := "`" + changeSQL(a, r.Change) + "`"
		if r.Change == "" {
			change = fmt.Sprintf("%s, real: %s", a.HeadName, a.HeadDoes)
		}
		suite := "passes"
		if r.Suite.Fails {
			suite = fmt.Sprintf("**%d of %d fail**", r.Suite.Failed, r.Suite.Tests)
			if r.Suite.Refused {
				suite = fmt.Sprintf("**none of %d begins**", r.Suite.Tests)
			}
		}
		line := "| " + change + " | " + suite
		for _, tool := range tools {
			line += " | " + formatAnswer(r.Answers[tool.name])
		}
		lines = append(lines, line+" |\n")
	}
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(b, "\n### %s %s\n\n| release | the suite | changelog | verify | verify --replay | migcheck |\n| --- | --- | --- | --- | --- | --- |\n",
		a.recipeName(), a.BaseName)
	for _, line := range lines {
		b.WriteString(line)
	}
}

// changeSQL is the statement of a planted change, without the body of a function.
func changeSQL(a Application, change string) string {
	for _, c := range a.Changes {
		if c.Name == change {
			return strings.ReplaceAll(c.SQL, "|", "\\|")
		}
	}
	return change
}

func formatAnswer(a Answer) string {
	switch a.Level {
	case LevelSafe:
		return "safe"
	case LevelNone:
		return "no answer"
	case "":
		return "not asked"
	}
	return strings.TrimSpace(string(a.Level) + ": " + a.Says)
}
