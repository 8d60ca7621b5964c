package django

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// frame is a line of Python's faulthandler: a place in a file, innermost first.
var frame = regexp.MustCompile(`(?m)^  File "([^"\n]+)", line (\d+) in (\S+)$`)

// stuck says where a project was when it was last looked at: the innermost place in
// its own files; "" when that is not known.
func stuck(file, root string) string {
	content, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	if real, err := filepath.EvalSymlinks(root); err == nil {
		root = real
	}
	dumps := strings.Split(string(content), "Timeout (")
	for thread := range strings.SplitSeq(dumps[len(dumps)-1], "Thread 0x") {
		if !strings.Contains(thread, "onward_django") {
			continue // one of the project's
		}
		for _, m := range frame.FindAllStringSubmatch(thread, -1) {
			path, err := filepath.Rel(root, m[1])
			if err == nil && filepath.IsLocal(path) && !strings.Contains(path, "site-packages") {
				return ", and was at " + filepath.ToSlash(path) + ":" + m[2] + " in " + m[3]
			}
		}
	}
	return ""
}
