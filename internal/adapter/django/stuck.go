package django

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// shownFrames is how many places of a project are named, innermost first.
const shownFrames = 3

// frame is a line of a stack.
type frame struct {
	file, function string
	line           int
}

// stuck says where a project was when it was last looked at: the innermost places in
// its own files; "" when that is not known.
func stuck(file, root string) string {
	content, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	var places [][3]any
	if json.Unmarshal(content, &places) != nil {
		return ""
	}
	stack := make([]frame, 0, len(places))
	for _, p := range places {
		name, _ := p[0].(string)
		line, _ := p[1].(float64)
		function, _ := p[2].(string)
		stack = append(stack, frame{name, function, int(line)})
	}
	if at := own(stack, root); at != "" {
		return ", and was at " + at
	}
	return ""
}

// crashed is a line of the stack that Python prints when it crashes.
var crashed = regexp.MustCompile(`(?m)^  File "([^"\n]+)", line (\d+) in (\S+)$`)

// crash says where a project was when Python crashed, by what it said last.
func crash(said, root string) string {
	_, said, ok := strings.Cut(said, "Fatal Python error: ")
	if !ok {
		return ""
	}
	var stack []frame
	for _, m := range crashed.FindAllStringSubmatch(said, -1) {
		line, _ := strconv.Atoi(m[2])
		stack = append(stack, frame{m[1], m[3], line})
	}
	if at := own(stack, root); at != "" {
		return " at " + at
	}
	return ""
}

// own are the innermost places of a stack that are the project's.
func own(stack []frame, root string) string {
	if real, err := filepath.EvalSymlinks(root); err == nil {
		root = real
	}
	var at []string
	for _, f := range stack {
		path, err := filepath.Rel(root, f.file)
		if err != nil || !filepath.IsLocal(path) || strings.Contains(path, "site-packages") {
			continue
		}
		if len(at) == shownFrames {
			break
		}
		at = append(at, filepath.ToSlash(path)+":"+strconv.Itoa(f.line)+" in "+f.function)
	}
	return strings.Join(at, ", from ")
}
