package hook

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The markers of a patch as Codex and Copilot write it.
const (
	patchBegin = "*** Begin Patch"
	patchEnd   = "*** End Patch"
)

// hunk is a part of a patch: lines that are replaced by others.
type hunk struct {
	// headers are the lines after @@, which locate the hunk: a class, then its method.
	headers       []string
	before, after []string
	atEnd         bool // the lines are the last ones of the file
}

// readPatch reads a patch.
func readPatch(text string) ([]fileEdit, error) {
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	start := slices.IndexFunc(lines, func(l string) bool { return strings.TrimSpace(l) == patchBegin })
	if start < 0 {
		return nil, errors.New("the patch does not begin with " + patchBegin)
	}
	var out []fileEdit
	var file *fileEdit
	for _, line := range lines[start+1:] {
		name, path, isHeader := parsePatchHeader(line)
		switch {
		case strings.TrimSpace(line) == patchEnd:
			return out, nil
		case isHeader && name == "Move to" && file != nil:
			file.movedTo = path
		case isHeader:
			out = append(out, fileEdit{path: path, deleted: name == "Delete File"})
			file = &out[len(out)-1]
			if name == "Add File" {
				file.content = new(string)
			}
		case file == nil:
			return nil, fmt.Errorf("the patch has a line before its first file: %q", line)
		case file.content != nil:
			added, ok := strings.CutPrefix(line, "+")
			if !ok && line != "" {
				return nil, fmt.Errorf("the patch adds %s, and a line does not begin with +: %q", file.path, line)
			}
			if ok {
				*file.content += added + "\n"
			}
		default:
			if err := file.addPatchLine(line); err != nil {
				return nil, err
			}
		}
	}
	return nil, errors.New("the patch does not end with " + patchEnd)
}

// parsePatchHeader reads a line such as "*** Update File: a.sql".
func parsePatchHeader(line string) (name, path string, ok bool) {
	rest, ok := strings.CutPrefix(line, "*** ")
	if !ok {
		return "", "", false
	}
	name, path, ok = strings.Cut(rest, ": ")
	return name, strings.TrimSpace(path), ok && slices.Contains([]string{"Add File", "Update File", "Delete File", "Move to"}, name)
}

// addPatchLine adds a line to the hunks of a file.
func (f *fileEdit) addPatchLine(line string) error {
	begins := strings.HasPrefix(line, "@@")
	if last := len(f.hunks) - 1; last < 0 || begins && len(f.hunks[last].before)+len(f.hunks[last].after) > 0 {
		f.hunks = append(f.hunks, hunk{})
	}
	h := &f.hunks[len(f.hunks)-1]
	switch {
	case begins:
		if header := strings.TrimSpace(strings.Trim(line, "@")); header != "" {
			h.headers = append(h.headers, header)
		}
	case line == "*** End of File":
		h.atEnd = true
	case line == "":
		h.before, h.after = append(h.before, ""), append(h.after, "")
	case line[0] == ' ':
		h.before, h.after = append(h.before, line[1:]), append(h.after, line[1:])
	case line[0] == '-':
		h.before = append(h.before, line[1:])
	case line[0] == '+':
		h.after = append(h.after, line[1:])
	default:
		return fmt.Errorf("the patch of %s has a line that is neither context nor a change: %q", f.path, line)
	}
	return nil
}

// applyHunks returns a text after the hunks of a patch.
func applyHunks(text string, hunks []hunk) (string, error) {
	lines := strings.Split(text, "\n")
	from := 0
	for _, h := range hunks {
		for _, header := range h.headers {
			if i := findLines(lines[from:], []string{header}, false); i >= 0 {
				from += i + 1
			}
		}
		if len(h.before) == 0 {
			end := len(lines)
			if end > 0 && lines[end-1] == "" {
				end--
			}
			lines = slices.Insert(lines, end, h.after...)
			continue
		}
		i := findLines(lines[from:], h.before, h.atEnd)
		if i < 0 {
			return "", fmt.Errorf("the patch replaces lines that the file does not have: %q", strings.Join(h.before, "\n"))
		}
		lines = slices.Replace(lines, from+i, from+i+len(h.before), h.after...)
		from += i + len(h.after)
	}
	return strings.Join(lines, "\n"), nil
}

// findLines finds lines in others: the same ones, or else ones that differ in white space only.
func findLines(lines, want []string, atEnd bool) int {
	for _, normalize := range []func(string) string{
		func(s string) string { return s }, func(s string) string { return strings.TrimRight(s, " \t\r") }, strings.TrimSpace,
	} {
		found := -1
		for i := 0; i+len(want) <= len(lines); i++ {
			if slices.EqualFunc(lines[i:i+len(want)], want, func(a, b string) bool { return normalize(a) == normalize(b) }) {
				found = i
				if !atEnd {
					return i
				}
			}
		}
		if found >= 0 {
			return found
		}
	}
	return -1
}
