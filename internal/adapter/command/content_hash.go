package command

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/gitrange"
)

// hashFiles hashes the files of a tree that code may read: by their ids in git, else by their content. It is false if a
// file cannot be read.
func hashFiles(h io.Writer, t adapter.Tree, mayBeRead func(path string) bool) bool {
	ids := map[string]string{}
	if listed, ok := t.(interface{ Files() []gitrange.File }); ok {
		for _, f := range listed.Files() {
			ids[f.Path] = f.ID
		}
	}
	for _, p := range t.Paths() {
		if !mayBeRead(p) {
			continue
		}
		if id := ids[p]; id != "" {
			fmt.Fprintf(h, "%s %s\n", p, id)
			continue
		}
		content, err := t.Read(p)
		if err != nil {
			return false
		}
		fmt.Fprintf(h, "%s %x\n", p, sha256.Sum256(content))
	}
	return true
}

// hashProgram hashes a program's file and the names of the packages in its virtualenv, which include versions.
func hashProgram(h io.Writer, program string, env []string) {
	dirs := []string{""}
	for _, entry := range env {
		if list, ok := strings.CutPrefix(entry, "PATH="); ok {
			dirs = filepath.SplitList(list)
		}
	}
	for _, dir := range dirs {
		p := filepath.Join(dir, program)
		info, err := os.Stat(p)
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		fmt.Fprintf(h, "%s %d %d\n", p, info.Size(), info.ModTime().UnixNano())
		found, _ := filepath.Glob(filepath.Join(filepath.Dir(filepath.Dir(p)), "lib", "python*", "site-packages", "*.dist-info"))
		slices.Sort(found)
		for _, name := range found {
			fmt.Fprintln(h, filepath.Base(name))
		}
		return
	}
}
