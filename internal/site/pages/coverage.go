package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The marks around the generated part of docs/runners.md.
const (
	coverageBegin = "<!-- The rest of this section is generated from the results of TestContract. DO NOT EDIT. -->\n"
	coverageEnd   = "\n## What a changed history does\n"
)

// toolResults are the results of one tool, by scene: equal, different, or why a call is not judged.
type toolResults struct {
	name   string
	scenes map[string]string
}

// insertCoverage writes the results of the contract test of adapters, which are in dir, into the page of the tools.
func insertCoverage(page, dir string) (string, error) {
	before, rest, hasBegin := strings.Cut(page, coverageBegin)
	_, after, hasEnd := strings.Cut(rest, coverageEnd)
	if !hasBegin || !hasEnd {
		return "", fmt.Errorf("docs/runners.md lacks the marks of the coverage")
	}
	scenes, err := os.ReadFile(filepath.Join(dir, "scenes.txt"))
	if err != nil {
		return "", err
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.want"))
	if err != nil {
		return "", err
	}
	groups := map[string][]toolResults{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		head, lines, _ := strings.Cut(string(text), "\n")
		name, group, _ := strings.Cut(head, ": ")
		tool := toolResults{name, map[string]string{}}
		for line := range strings.Lines(lines) {
			scene, result, _ := strings.Cut(strings.TrimSpace(line), ": ")
			tool.scenes[scene] = result
		}
		groups[group] = append(groups[group], tool)
	}
	var out strings.Builder
	for _, group := range []string{"programs", "files"} {
		writeCoverage(&out, string(scenes), groups[group])
	}
	return before + coverageBegin + out.String() + coverageEnd + after, nil
}

// writeCoverage writes the table of some tools, and what is not judged.
func writeCoverage(out *strings.Builder, scenes string, tools []toolResults) {
	if len(tools) == 0 {
		return
	}
	slices.SortFunc(tools, func(a, b toolResults) int { return cmp.Compare(a.name, b.name) })
	out.WriteString("\n| change |")
	for _, tool := range tools {
		out.WriteString(" " + tool.name + " |")
	}
	out.WriteString("\n| --- |" + strings.Repeat(" :-: |", len(tools)) + "\n")
	var notes strings.Builder
	for line := range strings.Lines(scenes) {
		scene, meaning, _ := strings.Cut(strings.TrimSpace(line), ": ")
		out.WriteString("| " + meaning + " |")
		for _, tool := range tools {
			result := tool.scenes[scene]
			mark := map[string]string{"equal": "✓", "": ""}
			text, known := mark[result]
			if !known {
				text = "○"
				reason, isUnread := strings.CutPrefix(result, "not judged: ")
				if !isUnread {
					text, reason = "✗", "onward reads something else than it sends"
				}
				reason, _, _ = strings.Cut(reason, "; ")
				if _, call, ok := strings.Cut(reason, ", "); ok {
					reason = call // without its line
				}
				fmt.Fprintf(&notes, "- %s, %s: %s\n", tool.name, meaning, reason)
			}
			out.WriteString(" " + text + " |")
		}
		out.WriteString("\n")
	}
	if notes.Len() > 0 {
		out.WriteString("\n" + notes.String())
	}
}
