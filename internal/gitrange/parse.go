package gitrange

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// Modes of tree entries as git prints them.
const (
	modeSymlink    = "120000"
	modeSubmodule  = "160000"
	modeExecutable = "100755"
	modeAbsent     = "000000"
)

// eachRecord yields the NUL-terminated records of -z output. They share one string.
func eachRecord(out []byte, yield func(record string) error) error {
	for left := string(out); left != ""; {
		record, rest, found := strings.Cut(left, "\x00")
		if !found {
			return fmt.Errorf("git output ends inside a record: %.80q", record)
		}
		if err := yield(record); err != nil {
			return err
		}
		left = rest
	}
	return nil
}

// parseTree reads git ls-tree -r -z, with or without --long. Submodules are
// left out.
func parseTree(out []byte) ([]File, error) {
	files := make([]File, 0, bytes.Count(out, []byte{0}))
	err := eachRecord(out, func(record string) error {
		// "<mode> <type> <id>[ <size, padded>]\t<path>"
		head, path, found := strings.Cut(record, "\t")
		mode, head, _ := strings.Cut(head, " ")
		kind, head, _ := strings.Cut(head, " ")
		id, size, long := strings.Cut(head, " ")
		if !found || path == "" || id == "" {
			return fmt.Errorf("git ls-tree printed an unknown record: %.80q", record)
		}
		if kind != "blob" {
			return nil // a submodule
		}
		f := File{Path: path, ID: id, Size: -1, Symlink: mode == modeSymlink, Executable: mode == modeExecutable}
		// A blob that is missing or damaged has the size BAD: reading it tells.
		if size = strings.TrimLeft(size, " "); long && size != "BAD" {
			size, err := strconv.ParseInt(size, 10, 64)
			if err != nil {
				return fmt.Errorf("git ls-tree printed an unknown size: %.80q", record)
			}
			f.Size = size
		}
		files = append(files, f)
		return nil
	})
	return files, err
}

// indexEntry is one record of git ls-files -t -s -z.
type indexEntry struct {
	path      string
	id        string // empty when untracked
	mode      string // empty when untracked
	untracked bool
	sparse    bool // skip-worktree: the index stands for the file on disk
}

// parseIndex reads git ls-files -t -s -c -o -z. Submodules, the directories of
// nested repositories, and the second and third stage of a conflict are left
// out.
func parseIndex(out []byte) ([]indexEntry, error) {
	entries := make([]indexEntry, 0, bytes.Count(out, []byte{0}))
	err := eachRecord(out, func(record string) error {
		tag, rest, found := strings.Cut(record, " ")
		if !found || len(tag) != 1 || rest == "" {
			return fmt.Errorf("git ls-files printed an unknown record: %.80q", record)
		}
		if tag == "?" {
			if !strings.HasSuffix(rest, "/") {
				entries = append(entries, indexEntry{path: rest, untracked: true})
			}
			return nil
		}
		head, path, found := strings.Cut(rest, "\t")
		words := strings.Fields(head)
		if !found || path == "" || len(words) != 3 {
			return fmt.Errorf("git ls-files printed an unknown record: %.80q", record)
		}
		if words[0] == modeSubmodule {
			return nil
		}
		if n := len(entries); n > 0 && entries[n-1].path == path && !entries[n-1].untracked {
			return nil
		}
		entries = append(entries, indexEntry{path: path, id: words[1], mode: words[0], sparse: tag == "S"})
		return nil
	})
	return entries, err
}

// parseRawDiff reads git diff --raw -z -M. A path that changed between a file and
// a submodule counts as deleted or added; changes of submodules are left out.
func parseRawDiff(out []byte) ([]Change, error) {
	var changes []Change
	var state string // the record that waits for its paths
	var old string
	var haveOld bool
	seen := map[string]int{}
	err := eachRecord(out, func(record string) error {
		if state == "" {
			words := strings.Fields(record)
			if !strings.HasPrefix(record, ":") || len(words) != 5 || words[4] == "" {
				return fmt.Errorf("git diff printed an unknown record: %.80q", record)
			}
			state = record
			return nil
		}
		if record == "" {
			return fmt.Errorf("git diff printed an empty path after %.80q", state)
		}
		words := strings.Fields(state)
		from, to, status := words[0][1:], words[1], words[4]
		if (status[0] == 'R' || status[0] == 'C') && !haveOld {
			old, haveOld = record, true
			return nil
		}
		c, keep := parseDiffEntry(from, to, status, old, record)
		state, old, haveOld = "", "", false
		if !keep {
			return nil
		}
		// A conflict is printed as unmerged and once more as what it is.
		if i, dup := seen[c.Path]; dup {
			if status[0] != 'U' {
				changes[i] = c
			}
			return nil
		}
		seen[c.Path] = len(changes)
		changes = append(changes, c)
		return nil
	})
	if err == nil && state != "" {
		err = fmt.Errorf("git diff output ends after %.80q", state)
	}
	return changes, err
}

// parseDiffEntry reads one entry of git diff --raw; keep is false for submodules.
func parseDiffEntry(from, to, status, old, path string) (c Change, keep bool) {
	c = Change{Kind: Modified, Path: path}
	switch status[0] {
	case 'A', 'C':
		c.Kind = Added
	case 'D':
		c.Kind = Deleted
	case 'R':
		c.Kind, c.OldPath = Renamed, old
		c.Similarity, _ = strconv.Atoi(status[1:]) // no number means unknown, which is 0
	}
	wasSubmodule, isSubmodule := from == modeSubmodule, to == modeSubmodule
	switch {
	case wasSubmodule && (isSubmodule || to == modeAbsent), isSubmodule && from == modeAbsent:
		return c, false
	case wasSubmodule:
		c.Kind = Added
	case isSubmodule:
		c.Kind = Deleted
	}
	return c, true
}

// configValue is one value of git config --list.
type configValue struct{ scope, key, value string }

// parseConfig reads git config --list -z --show-scope.
func parseConfig(out []byte) ([]configValue, error) {
	var settings []configValue
	var scope string
	var have bool
	err := eachRecord(out, func(record string) error {
		if !have {
			scope, have = record, true
			return nil
		}
		key, value, _ := strings.Cut(record, "\n") // a key alone means true
		settings = append(settings, configValue{scope, key, value})
		have = false
		return nil
	})
	if err == nil && have {
		err = fmt.Errorf("git config output ends after the scope %.80q", scope)
	}
	return settings, err
}
