package audit

import (
	"path"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/onward"
)

// attributesFile is git's file of attributes.
const attributesFile = ".gitattributes"

// findLineEndChanges returns a refusal if git checks applied migrations out with other line ends than before, although no file of them changed, and
// the tool's checksums count line ends.
func findLineEndChanges(p pair, base, head adapter.Tree) []history.Change {
	if p.base == nil || !p.head.HistoryBehavior.CountsLineEnds {
		return nil
	}
	applied := map[string]bool{}
	for _, m := range p.base.Migrations {
		applied[m.Path] = true
	}
	for _, m := range p.head.Migrations {
		if !applied[m.Path] || !hasUnixLineEnd(m.Source.Text) {
			continue
		}
		before, _, _ := checksOutCRLF(base, m.Path)
		now, file, line := checksOutCRLF(head, m.Path)
		if before == now {
			continue
		}
		ends := "CR LF"
		if !now {
			ends = "LF"
		}
		return []history.Change{{Kind: history.Refused, Migration: m.ID, Path: file, Refusal: &history.Refusal{
			Line: line, Column: 1, Severity: onward.Warning,
			Message: "git checks out the applied migrations with line ends " + ends + " from now on",
			Harm:    "their checksums count line ends: " + p.head.HistoryBehavior.Edited,
			Instead: "keep the line ends of applied migrations: " + path.Base(path.Dir(m.Path)) + "/*.sql -text",
		}}}
	}
	return nil
}

// hasUnixLineEnd reports whether a text as git stores it has a line that a checkout may end otherwise.
func hasUnixLineEnd(text string) bool { return strings.Count(text, "\n") > strings.Count(text, "\r\n") }

// checksOutCRLF reports whether the attributes of a tree make git write a file with CR LF on any system, and the line that decides it. A file
// of attributes in a directory counts more than one above it, and its last line counts most.
func checksOutCRLF(t adapter.Tree, file string) (crlf bool, in string, line int) {
	in, line = attributesFile, 1
	eol, text := "", true
	dirs := []string{""}
	for i := range len(file) {
		if file[i] == '/' {
			dirs = append(dirs, file[:i])
		}
	}
	for _, dir := range dirs {
		name := path.Join(dir, attributesFile)
		if !adapter.HasFile(t, name) {
			continue
		}
		n := 0
		for l := range strings.Lines(adapter.ReadFile(t, name).Text) {
			n++
			words := strings.Fields(l)
			if len(words) < 2 || words[0][0] == '#' || !matchesPattern(words[0], strings.TrimPrefix(strings.TrimPrefix(file, dir), "/")) {
				continue
			}
			for _, word := range words[1:] {
				switch {
				case strings.HasPrefix(word, "eol="):
					eol, in, line = strings.TrimPrefix(word, "eol="), name, n
				case word == "-eol" || word == "!eol":
					eol, in, line = "", name, n
				case word == "-text" || word == "binary":
					text, in, line = false, name, n
				case word == "text" || word == "!text" || strings.HasPrefix(word, "text="):
					text, in, line = true, name, n
				}
			}
		}
	}
	return text && eol == "crlf", in, line
}

// matchesPattern reports whether a pattern of git's attributes matches a path below its file: a name without a slash in each directory.
func matchesPattern(pattern, file string) bool {
	if !strings.Contains(strings.TrimPrefix(pattern, "**/"), "/") {
		file, pattern = path.Base(file), strings.TrimPrefix(pattern, "**/")
	}
	pattern = strings.TrimPrefix(pattern, "/")
	if dir, ok := strings.CutSuffix(pattern, "/**"); ok {
		return strings.HasPrefix(file, dir+"/")
	}
	if dir, name, ok := strings.Cut(pattern, "/**/"); ok {
		relative, inDir := strings.CutPrefix(file, dir+"/")
		return inDir && matchesPattern(name, relative)
	}
	matched, err := path.Match(pattern, file)
	return err == nil && matched
}
