package hook

import (
	"slices"
	"strings"
)

var (
	// codeOptions are the options of an interpreter before code: python -c CODE.
	codeOptions = map[string][]string{
		"python": {"-c"}, "php": {"-r"}, "ruby": {"-e"}, "perl": {"-e", "-E"}, "deno": {"eval"},
		"node": {"-e", "--eval", "-p", "--print", "-pe"},
	}
	// valueOptions are the options of an interpreter that take the next word, and are neither code nor a program.
	valueOptions = map[string][]string{
		"python": {"-W", "-X"}, "php": {"-d", "-c"}, "ruby": {"-r", "-I"}, "perl": {"-I", "-M"},
		"node": {"-r", "--require", "--import", "--loader", "-P", "--project"},
	}
)

// interpreterFamily returns the interpreter whose options a program takes; "" if it is none.
func interpreterFamily(name string) string {
	switch {
	case slices.Contains(pythons, name):
		return "python"
	case slices.Contains([]string{"node", "bun", "tsx", "ts-node"}, name):
		return "node"
	case codeOptions[name] != nil:
		return name
	}
	return ""
}

// isInterpreter reports whether a program takes code on the command line, or another program.
func isInterpreter(name string) bool { return name != "bun" && interpreterFamily(name) != "" }

// unwrapInterpreter drops an interpreter before a program, and records code on its command line. It reports whether a program follows.
func (r *scriptReader) unwrapInterpreter(run *invocation) bool {
	family := interpreterFamily(programName(run.args[0].text))
	if family == "perl" || family == "ruby" {
		r.recordWrites(run)
	}
	for i := 1; i < len(run.args); i++ {
		w := run.args[i]
		isGroup := (family == "perl" || family == "ruby") && !strings.HasPrefix(w.text, "--") && strings.HasPrefix(w.text, "-") &&
			strings.HasSuffix(strings.ToLower(w.text), "e")
		switch {
		case w.text == "-m" && family == "python" && i+1 < len(run.args):
			run.args = run.args[i+1:]
			if programName(run.args[0].text) == "django" {
				run.args = append([]word{{"manage.py", true}}, run.args[1:]...)
			}
			return true
		case (isGroup || slices.Contains(codeOptions[family], w.text)) && i+1 < len(run.args):
			run.args = []word{{codeRun, true}, run.args[i+1]}
			r.out.runs = append(r.out.runs, *run)
			return false
		case slices.Contains(valueOptions[family], w.text):
			i++
		case w.text == "-" || strings.HasPrefix(w.text, "-") || w.text == "run" && family == "node":
		default:
			run.args = run.args[i:]
			return isKnownProgram(programName(run.args[0].text)) || slices.Contains([]string{"python", "php", "ruby"}, family)
		}
	}
	if run.stdin != nil {
		run.args = []word{{codeRun, true}, *run.stdin}
		r.out.runs = append(r.out.runs, *run)
	}
	return false
}

// codeRun is the name of a program whose text is on the command line.
const codeRun = "(code)"
