package sandbox

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// systemDirs have programs, libraries and their data, and no secrets. /etc is not among them.
var systemDirs = []string{
	"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/usr", "/opt", "/snap", "/sys", "/proc", "/nix/store", "/gnu/store", "/run/current-system",
	"/home/linuxbrew/.linuxbrew", "/var/lib/gems", "/var/cache/fontconfig", "/etc/alternatives",
}

// homeDirs are directories of installed programs and packages below a home directory. None of them has settings with passwords, as
// ~/.npmrc and ~/.m2/settings.xml may.
var homeDirs = []string{
	".asdf", ".bun", ".bundle/cache", ".cache/composer", ".cache/deno", ".cache/go-build", ".cache/node", ".cache/pnpm", ".cache/pypoetry",
	".cache/rebar3", ".cache/uv", ".cargo/bin", ".cargo/git", ".cargo/registry", ".composer/vendor", ".config/composer/vendor", ".deno",
	".dotnet", ".elan", ".fnm", ".gem", ".gradle/caches", ".gradle/wrapper", ".hex/packages", ".local/bin", ".local/lib", ".local/pipx",
	".local/share/fnm", ".local/share/gem", ".local/share/mise", ".local/share/pipx", ".local/share/pnpm", ".local/share/pypoetry",
	".local/share/rtx", ".local/share/uv", ".local/share/virtualenvs", ".local/state/fnm_multishells", ".m2/repository", ".m2/wrapper", ".mix",
	".nodenv", ".npm/_npx", ".npm-global", ".nuget/packages", ".nvm", ".phpbrew", ".phpenv", ".pyenv", ".rbenv", ".rustup", ".rvm", ".sdkman",
	".volta", ".yarn", "go/bin", "go/pkg", "miniconda3", "anaconda3", "miniforge3", "sdk",
}

// programVariables name directories with programs or packages.
var programVariables = []string{
	"VIRTUAL_ENV", "CONDA_PREFIX", "PYENV_ROOT", "PYTHONHOME", "PYTHONPATH", "LD_LIBRARY_PATH", "GEM_HOME", "GEM_PATH", "BUNDLE_PATH", "RBENV_ROOT",
	"NODE_PATH", "NVM_DIR", "JAVA_HOME", "MIX_HOME", "HEX_HOME", "ASDF_DIR", "ASDF_DATA_DIR", "DOTNET_ROOT", "GOMODCACHE", "GOCACHE", "RUSTUP_HOME",
}

// listPrograms returns the directories of installed programs and packages: the system's, the home directory's, and those that the variables
// of env and the program itself name. A directory above a private one is left out.
func listPrograms(program string, env, private []string) []string {
	home, _ := os.UserHomeDir()
	private = append(slices.Clone(private), home, filepath.Join(home, ".local"), "/tmp", os.TempDir())
	out := slices.Clone(systemDirs)
	if home != "" {
		for _, dir := range homeDirs {
			out = append(out, filepath.Join(home, dir))
		}
	}
	add := func(dir string) {
		if filepath.IsAbs(dir) && !isAboveAny(dir, private) {
			out = append(out, dir)
		}
	}
	for _, entry := range env {
		name, value, _ := strings.Cut(entry, "=")
		switch {
		case name == "PATH":
			for _, dir := range filepath.SplitList(value) {
				add(dir)
				add(installPrefix(dir))
				add(Virtualenv(filepath.Dir(dir)))
			}
		case slices.Contains(programVariables, name):
			for _, dir := range filepath.SplitList(value) {
				add(dir)
			}
		}
	}
	for _, file := range followLinks(program) {
		add(filepath.Dir(file))
		add(installPrefix(filepath.Dir(file)))
		add(Virtualenv(filepath.Dir(filepath.Dir(file))))
	}
	return out
}

// installPrefix returns the directory in which a directory of programs was installed: /opt/node of /opt/node/bin; "" if it is not known.
func installPrefix(dir string) string {
	switch filepath.Base(dir) {
	case "bin", "sbin", "shims":
		return filepath.Dir(dir)
	}
	return ""
}

// followLinks returns a file and the files to which it links, one after the other.
func followLinks(file string) []string {
	var out []string
	for range 10 {
		out = append(out, file)
		to, err := os.Readlink(file)
		if err != nil {
			break
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(file), to)
		}
		file = to
	}
	if real, err := filepath.EvalSymlinks(file); err == nil {
		out = append(out, real)
	}
	return out
}

// isAboveAny reports whether a directory is one of others, or above one.
func isAboveAny(dir string, others []string) bool {
	return slices.ContainsFunc(others, func(o string) bool { return o != "" && isBelow(o, dir) })
}

// isBelow reports whether a path is a directory, or below it.
func isBelow(path, dir string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, "../")
}

// Virtualenv returns the installation of the interpreter that a virtual environment links to; "" if the directory is none.
func Virtualenv(dir string) string {
	real, err := filepath.EvalSymlinks(filepath.Join(dir, "bin", "python"))
	if err != nil {
		return ""
	}
	return installPrefix(filepath.Dir(real))
}
