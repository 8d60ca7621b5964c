package gitrange

import (
	"bytes"
	"slices"
	"strings"
)

// listSubmodules lists the submodules in the output of git ls-tree -r -z or ls-files -s -z, by
// path, with their commits.
func listSubmodules(out []byte) map[string]string {
	if !bytes.Contains(out, []byte(modeSubmodule+" ")) {
		return nil
	}
	list := map[string]string{}
	for record := range bytes.SplitSeq(out, []byte{0}) {
		head, path, found := strings.Cut(string(record), "\t")
		words := strings.Fields(head)
		if modeIndex := slices.Index(words, modeSubmodule); found && modeIndex >= 0 && modeIndex <= 1 && len(words) > modeIndex+1 {
			id := words[modeIndex+1]
			if id == "commit" && len(words) > modeIndex+2 {
				id = words[modeIndex+2] // ls-tree names the kind
			}
			list[path] = id
		}
	}
	return list
}

// listMovedSubmodules lists the submodules of head that base does not have at the same
// commit.
func listMovedSubmodules(base, head Tree) []string {
	baseModules := submodulesOf(base)
	var out []string
	for path, id := range submodulesOf(head) {
		if baseModules[path] != id {
			out = append(out, path)
		}
	}
	slices.Sort(out)
	return out
}

func submodulesOf(t Tree) map[string]string {
	switch t := t.(type) {
	case *commitTree:
		return t.modules
	case *editedTree:
		return t.modules
	case *diskTree:
		return t.modules
	case *mergedTree:
		return t.modules
	}
	return nil
}
