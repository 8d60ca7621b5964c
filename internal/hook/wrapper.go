package hook

import (
	"path"
	"slices"
	"strings"
)

var (
	shells = []string{"sh", "bash", "dash", "ash", "zsh", "ksh"}
	// wrappers run another command, which follows their options.
	wrappers = []string{
		"env", "sudo", "doas", "nice", "ionice", "timeout", "gtimeout", "nohup", "exec", "command", "builtin", "time", "setsid", "stdbuf", "watch", "xargs",
		"npx", "bunx", "pnpx", "dotenv", "dotenvx", "bundle", "poetry", "uv", "uvx", "pipenv", "pdm", "hatch", "rye", "mise", "asdf", "direnv", "op", "doppler",
		"infisical", "chamber", "aws-vault", "foreman", "honcho", "railway", "nix-shell", "nix", "devbox", "caffeinate", "script", "unbuffer", "parallel",
		"find", "fly", "flyctl", "heroku", "spring", "rbenv", "pyenv", "nodenv", "volta", "corepack", "retry", "chronic", "then", "pipx", "conda", "flox",
		"gosu", "su-exec", "runuser", "su", "cross-env", "env-cmd", "start-server-and-test",
		"concurrently", "turbo", "nx", "lerna", "rush",
		"chroot", "unshare", "nsenter", "setpriv", "proot", "firejail", "bwrap", "busybox", "toybox", "screen", "tmux", "systemd-run", "watchexec",
		"nodemon", "symfony",
		"entr", "flock", "faketime", "strace", "ltrace", "perf", "coverage", "wait-for-it", "dockerize", "sail", "lando", "ddev",
	}
	// containers run commands somewhere else.
	containers = []string{"docker", "docker-compose", "podman", "podman-compose", "nerdctl", "kubectl", "oc", "ssh"}
	pythons    = []string{"python", "python2", "python3", "py", "pypy3"}
	scripters  = []string{"npm", "yarn", "pnpm", "bun", "composer"}
	// makers run recipes of a file in the project.
	makers = []string{"make", "gmake", "just"}
)

// programName returns the name of a program without its directory, its version and its ending.
func programName(text string) string {
	name := strings.ToLower(path.Base(strings.ReplaceAll(text, `\`, "/")))
	if strings.HasPrefix(name, "pg:") { // a command of Heroku's
		return name
	}
	if _, inside, ok := strings.Cut(text, "node_modules/"); ok && !strings.HasPrefix(inside, ".bin/") { // node_modules/typeorm/cli.js
		for part := range strings.SplitSeq(inside, "/") {
			if name = strings.ToLower(part); !strings.HasPrefix(part, "@") {
				break
			}
		}
	}
	name, _, _ = strings.Cut(name, ":") // an image's tag
	for _, ending := range []string{".exe", ".cmd", ".bat", ".js", ".phar"} {
		name = strings.TrimSuffix(name, ending)
	}
	if version := strings.TrimPrefix(name, "python3."); version != name {
		return "python3"
	}
	if name, version, ok := strings.Cut(name, "@"); ok && name != "" && version != "" { // npx prisma@6
		return name
	}
	return name
}

// isKnownProgram reports whether a word is a program that this package interprets.
func isKnownProgram(name string) bool {
	return slices.Contains(shells, name) || slices.Contains(wrappers, name) || slices.Contains(containers, name) ||
		slices.Contains(scripters, name) || slices.Contains(makers, name) || findTool(name) != nil ||
		isInterpreter(name) || slices.Contains([]string{"manage.py", "artisan", "console", "eval"}, name)
}

// recordProgram finds the program that a command runs in the end, and records it.
func (r *scriptReader) recordProgram(run *invocation) {
	for range 20 {
		if len(run.args) == 0 {
			return
		}
		name := programName(run.args[0].text)
		rest := run.args[1:]
		r.recordSettingsWrite(run, name)
		switch {
		case name == "onward": // guard, record and capture run the command after --
			command := slices.IndexFunc(rest, func(w word) bool { return w.text == "--" })
			if command < 0 {
				r.out.runs = append(r.out.runs, *run)
				return
			}
			run.args = rest[command+1:]
		case name == "cd" || name == "pushd":
			r.changeDir(run.args)
			return
		case (name == "source" || name == ".") && len(rest) > 0:
			if text := r.readFile(rest[0]); strings.Contains(path.Base(rest[0].text), "env") {
				r.readDotenv(rest[0])
			} else if text.known {
				r.readScriptText(text.text, nil)
			}
			return
		case name == "eval":
			r.readInnerScript(run, joinWords(rest))
			return
		case name == "trap" && len(rest) > 1:
			r.readInnerScript(run, rest[0])
			return
		case name == "at" || name == "batch":
			r.readShellScript(run, nil)
			return
		case name == "go" || name == "cargo":
			if !skipBuildTool(run, name) {
				return
			}
		case slices.Contains(shells, name):
			r.readShellScript(run, rest)
			return
		case slices.Contains(makers, name):
			r.readMakeRecipes(run, name, rest)
			return
		case isInterpreter(name) || name == "bun" && len(rest) > 1 && slices.Contains(codeOptions["node"], rest[0].text):
			if !r.unwrapInterpreter(run) {
				return
			}
		case slices.Contains(scripters, name):
			if !r.readPackageScript(run, name, rest) {
				return
			}
		case slices.Contains(containers, name):
			if !r.unwrapContainer(run, name) {
				if volumeDanger(arguments{all: run.args[1:], run: run}) != "" {
					r.out.runs = append(r.out.runs, *run)
				}
				return
			}
		case findTool(name) == nil && slices.Contains(wrappers, name):
			if !skipToProgram(run, name) {
				return
			}
		default:
			if strings.HasSuffix(name, ".sh") || findTool(name) == nil && strings.ContainsAny(run.args[0].text, "/") {
				if text := r.readFile(run.args[0]); text.known && isShellText(text.text) {
					r.readInnerScript(run, text)
					return
				}
			}
			r.recordWrites(run)
			r.out.runs = append(r.out.runs, *run)
			return
		}
	}
}

func isShellText(text string) bool {
	line, _, _ := strings.Cut(text, "\n")
	return !strings.HasPrefix(line, "#!") || strings.HasSuffix(strings.TrimSpace(line), "sh") || strings.Contains(line, "bash")
}

func joinWords(words []word) word {
	out := word{known: true}
	var parts []string
	for _, w := range words {
		parts = append(parts, w.text)
		out.known = out.known && w.known
	}
	out.text = strings.Join(parts, " ")
	return out
}

// readInnerScript reads a script that another one runs.
func (r *scriptReader) readInnerScript(run *invocation, text word) {
	inner := *r
	inner.vars, inner.dir, inner.place = run.env, run.dir, run.place
	inner.readScriptText(text.text, run.stdin)
}

// readShellScript reads the script of a shell: after -c, in a file, or on its input.
func (r *scriptReader) readShellScript(run *invocation, args []word) {
	isText, isInput := false, false
	for i := 0; i < len(args) && !isInput; i++ {
		w := args[i]
		switch {
		case w.text == "--rcfile" || w.text == "--init-file":
			i++
		case strings.HasPrefix(w.text, "--"):
		case len(w.text) > 1 && strings.HasPrefix(w.text, "-") || strings.HasPrefix(w.text, "+"):
			if w.text[0] == '-' && strings.Contains(w.text, "n") {
				return // it reads the script, and runs nothing
			}
			if strings.ContainsAny(w.text, "oO") { // the name of an option follows: -euo pipefail
				i++
			}
			isText = isText || strings.Contains(w.text, "c")
			isInput = strings.Contains(w.text, "s") && !isText
		case isText:
			r.readInnerScript(run, w)
			return
		default:
			r.readInnerScript(run, r.readFile(w))
			return
		}
	}
	if run.stdin != nil {
		r.readInnerScript(run, *run.stdin)
	}
}

// skipToProgram drops a wrapper with its options. It reports whether a known program follows.
func skipToProgram(run *invocation, name string) bool {
	if name == "command" && len(run.args) > 1 && (run.args[1].text == "-v" || run.args[1].text == "-V") {
		return false // a question where the program is
	}
	placeholder := findPlaceholder(name, run.args)
	for i, w := range run.args[1:] {
		if key, value, ok := strings.Cut(w.text, "="); ok && isVariableName(key) {
			run.env[key] = word{value, w.known}
			continue
		}
		if strings.HasPrefix(w.text, "-") {
			continue
		}
		// One word may be a whole script: watch 'psql …', heroku run "rails db:reset".
		if first, _, ok := strings.Cut(w.text, " "); ok && isKnownProgram(programName(first)) {
			run.args = append([]word{{"sh", true}, {"-c", true}}, w)
			return true
		}
		if isKnownProgram(programName(w.text)) || strings.HasSuffix(w.text, ".sh") {
			run.args = run.args[1+i:]
			if name == "heroku" || name == "fly" || name == "flyctl" || name == "railway" {
				run.place = name
				run.env = map[string]word{}
			}
			if name == "xargs" || name == "parallel" || name == "find" {
				run.args = append(forgetPlaceholder(run.args, placeholder), word{})
				run.stdin = nil
			}
			return true
		}
	}
	return false
}

// findPlaceholder returns what xargs and its like replace in the arguments of a program; "" for nothing.
func findPlaceholder(name string, args []word) string {
	if name != "xargs" {
		return "{}"
	}
	for i, w := range args {
		switch text, found := strings.CutPrefix(w.text, "-I"); {
		case found && text != "":
			return text
		case found && i+1 < len(args):
			return args[i+1].text
		case w.text == "-i" || w.text == "--replace":
			return "{}"
		}
	}
	return ""
}

// forgetPlaceholder returns arguments whose text is not known if it has a placeholder.
func forgetPlaceholder(args []word, placeholder string) []word {
	out := slices.Clone(args)
	for i, w := range out {
		if placeholder != "" && strings.Contains(w.text, placeholder) {
			out[i] = word{strings.ReplaceAll(w.text, placeholder, ""), false}
		}
	}
	return out
}

// skipBuildTool drops go run, go tool and cargo before a program for databases. It reports whether one follows.
func skipBuildTool(run *invocation, name string) bool {
	switch rest := run.args[1:]; {
	case len(rest) > 1 && name == "go" && (rest[0].text == "run" || rest[0].text == "tool"):
		return skipToProgram(run, name)
	case len(rest) > 0 && name == "cargo" && findTool(rest[0].text) != nil: // cargo sqlx
		run.args = rest
		return true
	}
	return false
}

func isVariableName(name string) bool {
	return name != "" && strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

// unwrapContainer drops a command such as docker compose exec, and remembers where its command runs.
func (r *scriptReader) unwrapContainer(run *invocation, name string) bool {
	next := 1
	if name != "ssh" {
		next = slices.IndexFunc(run.args, func(w word) bool { return w.text == "exec" || w.text == "run" }) + 1
		if next == 0 {
			return false
		}
		if name == "kubectl" && run.args[next-1].text == "run" { // kubectl run NAME --image=IMAGE -- COMMAND
			command := slices.IndexFunc(run.args, func(w word) bool { return w.text == "--" }) + 1
			if command == 0 || command == len(run.args) {
				return false
			}
			run.args, run.env, run.place = run.args[command:], map[string]word{}, run.args[next].text
			return true
		}
	}
	env := map[string]word{}
	place := ""
	for i := next; i < len(run.args); i++ {
		w := run.args[i]
		if key, value, ok := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(w.text, "--env="), "-e"), "="); ok && isVariableName(key) {
			env[key] = word{value, w.known}
			continue
		}
		if strings.HasPrefix(w.text, "-") {
			continue
		}
		program := isKnownProgram(programName(w.text)) || strings.HasSuffix(w.text, ".sh")
		first, _, isScript := strings.Cut(w.text, " ")
		switch {
		// The name of a service may be a tool's: a program is what follows it, unless nothing does.
		case place != "" && (program || isScript && isKnownProgram(programName(first))):
			run.args = run.args[i:]
			if name == "ssh" || isScript {
				run.args = []word{{"sh", true}, {"-c", true}, joinWords(run.args)}
			}
			run.env, run.place = env, place
			return true
		case slices.Contains([]string{"exec", "run"}, run.args[i].text):
		default:
			place = strings.TrimPrefix(strings.TrimPrefix(w.text, "pod/"), "deploy/")
			if _, host, ok := strings.Cut(place, "@"); ok && name == "ssh" {
				place = host
			}
			// An image that is a tool: docker run migrate/migrate … down.
			if program && slices.ContainsFunc(run.args[:i], func(w word) bool { return w.text == "run" }) && findTool(programName(w.text)) != nil &&
				!slices.ContainsFunc(run.args[i+1:], func(w word) bool { return isKnownProgram(programName(w.text)) }) {
				run.args, run.env, run.place = run.args[i:], env, place
				return true
			}
		}
	}
	if name == "ssh" && run.stdin != nil && isLoginOnly(run.args[1:]) {
		run.args, run.env, run.place = []word{{"sh", true}}, env, place
		return true
	}
	return false
}

// isLoginOnly reports whether ssh gets a host and no command: its input is a script.
func isLoginOnly(args []word) bool {
	operands := 0
	for i := 0; i < len(args); i++ {
		switch w := args[i].text; {
		case !strings.HasPrefix(w, "-"):
			operands++
		case len(w) == 2 && strings.Contains("BbcDEeFIiJLlmOoPpQRSWw", w[1:]):
			i++
		}
	}
	return operands == 1
}
