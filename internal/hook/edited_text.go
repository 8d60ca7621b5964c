package hook

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/scratch"
)

// mostText limits the size of a file that is edited: 8 MB.
const mostText = 8 << 20

// joinPath returns a path relative to a directory.
func joinPath(dir, path string) string {
	path = filepath.FromSlash(path)
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(dir, path)
}

// textAfter returns the text of a file after an edit; nil if the edit deletes it. now is its text before; nil if the
// file does not exist.
func (f *fileEdit) textAfter(now *string) (*string, error) {
	switch {
	case f.unknown != "":
		return nil, errors.New(f.unknown)
	case f.deleted:
		return nil, nil
	case f.content != nil:
		return f.content, nil
	case now == nil && len(f.replaced) > 0 && f.replaced[0].before == "": // the tool creates the file
		empty := ""
		now = &empty
	case now == nil:
		return nil, errors.New("the edit changes a file that does not exist")
	}
	text := *now
	if f.hunks != nil || f.movedTo != "" {
		after, err := applyHunks(text, f.hunks)
		return &after, err
	}
	for _, r := range f.replaced {
		after, err := r.apply(text)
		if err != nil {
			return nil, err
		}
		text = after
	}
	return &text, nil
}

// apply returns a text with a replacement.
func (r *replacement) apply(text string) (string, error) {
	before, after := r.before, r.after
	if strings.Contains(text, "\r\n") && !strings.Contains(text, before) {
		before, after = strings.ReplaceAll(before, "\n", "\r\n"), strings.ReplaceAll(after, "\n", "\r\n")
	}
	switch n := strings.Count(text, before); {
	case before == "" && text == "":
		return after, nil
	case before == "":
		return "", errors.New("the edit replaces an empty text")
	case n == 0:
		return "", fmt.Errorf("the edit replaces a text that the file does not have: %q", shortenText(before))
	case n > 1 && !r.all:
		return "", fmt.Errorf("the edit replaces a text that the file has %d times: %q", n, shortenText(before))
	}
	if r.all {
		return strings.ReplaceAll(text, before, after), nil
	}
	return strings.Replace(text, before, after, 1), nil
}

func shortenText(text string) string {
	const most = 60
	if r := []rune(text); len(r) > most {
		return string(r[:most]) + "…"
	}
	return text
}

// readFileIfExists reads a file; nil if there is none.
func readFileIfExists(name string) (*string, error) {
	data, err := scratch.ReadBounded(name, mostText)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	}
	text := string(data)
	return &text, nil
}

// edited is the texts of files after an event, by their absolute paths: nil for a deleted file.
type edited map[string]*string

// applyEdits returns the texts of the files after the edits that concern migrations. The error says why the text after an edit is not known.
func applyEdits(dir string, edits []fileEdit) (edited, error) {
	out := edited{}
	for _, f := range edits {
		path := resolveEdited(dir, f.path, f.deleted)
		now, known := out[path]
		if !known {
			var err error
			if now, err = readFileIfExists(path); err != nil {
				return nil, fmt.Errorf("%s: %w", f.path, err)
			}
		}
		after, err := f.textAfter(now)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.path, err)
		}
		if f.movedTo != "" {
			out[path] = nil
			path = resolveEdited(dir, f.movedTo, true)
		}
		out[path] = after
	}
	return out, nil
}

// resolveEdited returns the file that an edit of a path changes: what a symbolic link leads to, unless the edit replaces the link itself. The
// settings of the repository have their own name, also if a hard link is edited.
func resolveEdited(dir, name string, replacesLink bool) string {
	path := resolveDirLinks(joinPath(dir, name))
	if replacesLink {
		return path
	}
	if file, err := filepath.EvalSymlinks(path); err == nil {
		path = file
	} else if next, err := os.Readlink(path); err == nil { // it leads to a file that is not there yet
		path = resolveDirLinks(joinPath(filepath.Dir(path), next))
	}
	edited, err := os.Stat(path)
	if err != nil || filepath.Base(path) == config.Name {
		return path
	}
	for above := filepath.Dir(path); ; above = filepath.Dir(above) {
		settings := filepath.Join(above, config.Name)
		if info, err := os.Stat(settings); err == nil && os.SameFile(info, edited) {
			return settings
		}
		if above == filepath.Dir(above) {
			return path
		}
	}
}

// resolveDirLinks resolves the links of a file's directory.
func resolveDirLinks(path string) string {
	for dir, rest := filepath.Dir(path), filepath.Base(path); ; dir, rest = filepath.Dir(dir), filepath.Join(filepath.Base(dir), rest) {
		if real, err := filepath.EvalSymlinks(dir); err == nil {
			return filepath.Join(real, rest)
		}
		if dir == filepath.Dir(dir) {
			return path
		}
	}
}

// nearestExistingDir returns the nearest directory of a path that exists.
func nearestExistingDir(path string) string {
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			return dir
		}
		if dir == filepath.Dir(dir) {
			return dir
		}
	}
}

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
