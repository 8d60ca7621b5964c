package gitrange

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
)

// ListTracked returns those of the paths that git's index has: a file, a link, or a directory with one of them.
func ListTracked(ctx context.Context, root string, paths []string) (map[string]bool, error) {
	r, err := Open(ctx, root)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }() // it has only listed
	prefix, err := filepath.Rel(resolveLinks(r.Root()), resolveLinks(root))
	if err != nil {
		return nil, fmt.Errorf("list tracked files: %w", err)
	}
	args := []string{"--literal-pathspecs", "ls-files", "-z", "--cached", "--"}
	for _, p := range paths {
		args = append(args, filepath.ToSlash(filepath.Join(prefix, p)))
	}
	out, err := r.git.runForOutput(ctx, args...)
	if err != nil {
		return nil, fmt.Errorf("list tracked files: %w", err)
	}
	tracked := map[string]bool{}
	for file := range strings.SplitSeq(string(out), "\x00") {
		for i, p := range paths {
			if name := args[len(args)-len(paths)+i]; file == name || strings.HasPrefix(file, name+"/") {
				tracked[p] = true
			}
		}
	}
	return tracked, nil
}
