package django

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// shownFrames is how many frames of a project's stack are shown, innermost first.
const shownFrames = 3

// frame is one call of a Python stack.
type frame struct {
	file, function string
	line           int
}

// pythonTimeout bounds the Python process.
func (c *Config) pythonTimeout() time.Duration { return cmp.Or(c.Timeout, defaultTimeout) }

// lastSampledPlace says where a project was at the last sample of its stack: the innermost frames in
// its own files; "" if that is not known.
func lastSampledPlace(file, root string) string {
	content, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	var seen struct {
		Places       []place
		Most         *place
		Times, Looks int
	}
	if json.Unmarshal(content, &seen) != nil {
		return ""
	}
	stack := make([]frame, 0, len(seen.Places))
	for _, p := range seen.Places {
		stack = append(stack, p.toFrame())
	}
	location := formatProjectFrames(stack, root)
	if location == "" {
		return ""
	}
	location = ", and was at " + location
	if seen.Most != nil && seen.Looks > 1 {
		if most := formatProjectFrames([]frame{seen.Most.toFrame()}, root); most != "" {
			location += fmt.Sprintf("; of %d looks %d found it at %s", seen.Looks, seen.Times, most)
		}
	}
	return location
}

// place is a line of a stack in the renderer's format: file, line, function.
type place [3]any

func (p place) toFrame() frame {
	name, _ := p[0].(string)
	line, _ := p[1].(float64)
	function, _ := p[2].(string)
	return frame{name, function, int(line)}
}

// crashed matches a line of the stack that Python prints when it crashes.
var crashed = lazyregexp.New(`(?m)^  File "([^"\n]+)", line (\d+) in (\S+)$`)

// crashPlace says where a project was when Python crashed, according to its last output.
func crashPlace(output, root string) string {
	_, output, ok := strings.Cut(output, "Fatal Python error: ")
	if !ok {
		return ""
	}
	var stack []frame
	for _, m := range crashed.FindAllStringSubmatch(output, -1) {
		line, _ := strconv.Atoi(m[2])
		stack = append(stack, frame{m[1], m[3], line})
	}
	if location := formatProjectFrames(stack, root); location != "" {
		return " at " + location
	}
	return ""
}

// formatProjectFrames returns the innermost frames of a stack that are in the project.
func formatProjectFrames(stack []frame, root string) string {
	if real, err := filepath.EvalSymlinks(root); err == nil {
		root = real
	}
	var locations []string
	for _, f := range stack {
		path, err := filepath.Rel(root, f.file)
		if err != nil || !filepath.IsLocal(path) || strings.Contains(path, "site-packages") {
			continue
		}
		if len(locations) == shownFrames {
			break
		}
		locations = append(locations, filepath.ToSlash(path)+":"+strconv.Itoa(f.line)+" in "+f.function)
	}
	return strings.Join(locations, ", from ")
}
