package newcomer

import (
	"bytes"
	"errors"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/component"
)

// released are versions in all the states in which one can be: 1.2.3 is as it should be.
func released(t *testing.T) *Releases {
	t.Helper()
	pack := func(script string) []byte {
		data, err := Pack([]byte("#!/bin/sh\n" + script + "\n"))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	good := pack("echo onward 1.2.3")
	r := &Releases{Latest: "1.2.3", Files: map[string]map[string][]byte{}}
	add := func(version string, archive []byte) map[string][]byte {
		files := map[string][]byte{Archive(version): archive, "onward_" + version + "_plan9_mips.tar.gz": []byte("other")}
		files["checksums.txt"] = Sums(files)
		r.Files[version] = files
		return files
	}
	add("1.2.3", good)["checksums.txt.sigstore.json"] = []byte(`signed`)
	tampered := add("1.2.4", good)
	tampered[Archive("1.2.4")] = pack("touch $HOME/owned; echo onward 1.2.3")
	delete(add("1.2.5", good), Archive("1.2.5"))
	add("1.2.6", good)["checksums.txt"] = []byte("")
	add("1.2.7", pack("exit 1"))
	add("1.2.8", []byte("no archive"))
	add("1.2.9", good)["checksums.txt.sigstore.json"] = []byte(`of somebody else`)
	// The name of another place in the checksums: nothing is fetched from there.
	evil := add("1.3.0", good)
	evil["checksums.txt"] = bytes.ReplaceAll(evil["checksums.txt"], []byte("  onward_"), []byte("  onward_/../"))
	return r
}

// TestInstall installs releases with the installer, under each shell: by checksum and signature, and nothing else.
func TestInstall(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		component.Need(t, component.System, errors.New("the installer is a shell script"))
	}
	server := httptest.NewServer(released(t))
	t.Cleanup(server.Close)
	script, err := filepath.Abs("../../install.sh")
	if err != nil {
		t.Fatal(err)
	}
	// It replaces the check of a signature: the arguments are those that cosign 3 expects.
	const cosign = `case "$*" in "verify-blob --bundle "*"/checksums.txt.sigstore.json --certificate-oidc-issuer https://token.actions.githubusercontent.com --certificate-identity-regexp ^https://github\\.com/onward-sql/onward/"*"/checksums.txt") ;; *) echo "cosign: $*"; exit 64 ;; esac
[ "$(cat "$3")" = signed ] || { echo no matching signatures; exit 10; }`
	for name, c := range map[string]struct {
		args     []string
		programs map[string]string // found before the programs in PATH
		only     []string          // which of the PATH there are, all if not told
		code     int
		says     string
	}{
		"latest":    {code: 0, says: "onward 1.2.3 is installed as "},
		"the PATH":  {code: 0, says: "is not on the PATH; write into your shell's profile:\n  export PATH=\""},
		"a version": {args: []string{"--version", "v1.2.3"}, code: 0, says: "the signature was not verified, because cosign is not here"},
		"without v": {args: []string{"--version", "1.2.3"}, code: 0},
		"signed":    {programs: map[string]string{"cosign": cosign}, code: 0, says: "the signature is right"},
		"signed by others": {
			args:     []string{"--version", "v1.2.9"},
			programs: map[string]string{"cosign": cosign},
			code:     3,
			says:     "is not that of onward's release workflow; nothing was installed",
		},
		"not signed": {
			args:     []string{"--version", "v1.2.4"},
			programs: map[string]string{"cosign": cosign},
			code:     3,
			says:     "so the signature cannot be verified; nothing was installed",
		},
		"tampered":      {args: []string{"--version", "v1.2.4"}, code: 3, says: "is not what checksums.txt says"},
		"no archive":    {args: []string{"--version", "v1.2.5"}, code: 3, says: "cannot be fetched; nothing was installed"},
		"no sums":       {args: []string{"--version", "v1.2.6"}, code: 3, says: "checksums.txt has no archive for"},
		"does not run":  {args: []string{"--version", "v1.2.7"}, code: 3, says: "does not run here; nothing was installed"},
		"no tar":        {args: []string{"--version", "v1.2.8"}, code: 3, says: "cannot be unpacked; nothing was installed"},
		"another place": {args: []string{"--version", "v1.3.0"}, code: 3, says: "checksums.txt has no archive for"},
		"not released":  {args: []string{"--version", "v9.9.9"}, code: 3, says: "is v9.9.9 released?"},
		"no version":    {args: []string{"--version", "../../evil"}, code: 2, says: "is no version"},
		"usage":         {args: []string{"--version"}, code: 2, says: "usage: install.sh"},
		"another processor": {
			programs: map[string]string{"uname": `[ $1 = -s ] && echo Linux || echo riscv64`},
			code:     2,
			says:     "nothing is released for riscv64; with Go: go install",
		},
		"another system":     {programs: map[string]string{"uname": `echo Plan9`}, code: 2, says: "nothing is released for Plan9"},
		"nowhere to install": {args: []string{"--to", "/dev/null/bin"}, code: 3, says: "/dev/null/bin cannot be written; say where to: --to DIRECTORY"},
		"wget": {
			only: []string{"sh", "awk", "cat", "chmod", "cp", "cut", "gzip", "head", "mkdir", "mktemp", "mv", "rm", "sha256sum", "tar", "uname", "wget"},
			code: 0,
			says: "onward 1.2.3 is installed as ",
		},
	} {
		for _, shell := range shells(t) {
			t.Run(name+" "+filepath.Base(shell), func(t *testing.T) {
				t.Parallel()
				home, bin := t.TempDir(), t.TempDir()
				path := bin + ":" + os.Getenv("PATH")
				for _, program := range c.only {
					real, err := exec.LookPath(program)
					if err != nil {
						component.Need(t, component.System, err)
					}
					if err := os.Symlink(real, filepath.Join(bin, program)); err != nil {
						t.Fatal(err)
					}
					path = bin
				}
				for program, text := range c.programs {
					if err := os.WriteFile(filepath.Join(bin, program), []byte("#!/bin/sh\n"+text+"\n"), 0o700); err != nil {
						t.Fatal(err)
					}
				}
				// An installed version stays if the new one is refused.
				installPath := filepath.Join(home, ".local/bin/onward")
				if err := os.MkdirAll(filepath.Dir(installPath), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(installPath, []byte("#!/bin/sh\necho before\n"), 0o700); err != nil {
					t.Fatal(err)
				}
				cmd := exec.CommandContext(t.Context(), shell, append([]string{script}, c.args...)...)
				cmd.Env = append(os.Environ(), "HOME="+home, "PATH="+path, "TMPDIR="+bin, "ONWARD_RELEASES="+server.URL, "no_proxy=*")
				out, _ := cmd.CombinedOutput()
				if code := cmd.ProcessState.ExitCode(); code != c.code || !strings.Contains(string(out), c.says) {
					t.Errorf("exit code %d, want %d and %q:\n%s", code, c.code, c.says, out)
				}
				want := "before\n"
				if c.code == 0 {
					want = "onward 1.2.3\n"
				}
				if got, err := exec.CommandContext(t.Context(), installPath).Output(); err != nil || string(got) != want {
					t.Errorf("installed is %q, %v, want %q", got, err, want)
				}
				if _, err := os.Stat(filepath.Join(home, "owned")); err == nil {
					t.Error("a program was run that is not what checksums.txt says")
				}
				if left, _ := filepath.Glob(filepath.Join(bin, "tmp*")); len(left) > 0 {
					t.Errorf("%v stayed", left)
				}
			})
		}
	}
}

// TestInstallCutOff holds that a part of the installer does nothing.
func TestInstallCutOff(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../install.sh")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(strings.TrimSpace(string(text)), "\n")
	for _, shell := range shells(t) {
		for n := range lines {
			home := t.TempDir()
			cmd := exec.CommandContext(t.Context(), shell, "-s")
			cmd.Env = []string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "ONWARD_RELEASES=http://127.0.0.1:1"}
			cmd.Stdin = strings.NewReader(strings.Join(lines[:n], ""))
			_ = cmd.Run()
			if left, _ := os.ReadDir(home); len(left) > 0 {
				t.Errorf("%s, the first %d lines: %v", shell, n, left)
			}
		}
	}
}

// shells are those that somebody may pipe the installer into; the test needs two.
func shells(t *testing.T) (found []string) {
	t.Helper()
	for _, name := range []string{"dash", "bash", "ksh", "zsh"} {
		if path, err := exec.LookPath(name); err == nil {
			found = append(found, path)
		}
	}
	if len(found) == 0 {
		t.Fatal("dash or bash is needed")
	}
	return found
}

// TestActionInstalls puts onward where the Action's later steps find it.
func TestActionInstalls(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(released(t))
	t.Cleanup(server.Close)
	for _, c := range []struct {
		version string
		code    int
		says    string
	}{
		{"v1.2.3", 0, ""},
		{"latest", 0, ""},
		{"v1.2.4", 3, "::error::onward was not installed"},
		{"", 2, "::error::onward was not installed"},
	} {
		t.Run(c.version, func(t *testing.T) {
			t.Parallel()
			temp := t.TempDir()
			path := filepath.Join(temp, "path")
			cmd := exec.CommandContext(t.Context(), "bash", "../../ci/install.sh")
			cmd.Env = append(os.Environ(), "RUNNER_TEMP="+temp, "GITHUB_PATH="+path, "ONWARD_VERSION="+c.version, "ONWARD_RELEASES="+server.URL, "no_proxy=*")
			out, _ := cmd.CombinedOutput()
			if code := cmd.ProcessState.ExitCode(); code != c.code || !strings.Contains(string(out), c.says) {
				t.Errorf("exit code %d, want %d and %q:\n%s", code, c.code, c.says, out)
			}
			got, _ := exec.CommandContext(t.Context(), filepath.Join(temp, "onward-program", "onward")).Output()
			pathContent, _ := os.ReadFile(path)
			if installed := string(got) == "onward 1.2.3\n" && string(pathContent) == filepath.Join(temp, "onward-program")+"\n"; installed != (c.code == 0) {
				t.Errorf("installed: %v (%q, %q)", installed, got, pathContent)
			}
		})
	}
}

// TestMakeInstall holds where make install puts onward, and that it prints how to find it only if the shell does not.
func TestMakeInstall(t *testing.T) {
	t.Parallel()
	makefile, err := filepath.Abs("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	build := filepath.Join(home, "go")
	if err := os.WriteFile(build, []byte("#!/bin/sh\nmkdir -p bin && echo '#!/bin/sh' > bin/onward && chmod +x bin/onward\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args  []string
		path  string
		into  string
		hints bool
	}{
		"default":          {into: ".local/bin", hints: true},
		"on the PATH":      {path: filepath.Join(home, ".local/bin") + ":", into: ".local/bin"},
		"another place":    {args: []string{"PREFIX=" + filepath.Join(home, "my tools")}, into: "my tools/bin", hints: true},
		"below a PATH dir": {args: []string{"PREFIX=" + home}, path: filepath.Join(home, "bin/x") + ":", into: "bin", hints: true},
	} {
		cmd := exec.CommandContext(t.Context(), "make", append([]string{"-s", "-f", makefile, "install", "GO=" + build}, c.args...)...)
		cmd.Dir = t.TempDir()
		cmd.Env = []string{"HOME=" + home, "PATH=" + c.path + os.Getenv("PATH")}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("make install, %s: %v\n%s", name, err, out)
		}
		dir := filepath.Join(home, c.into)
		if _, err := os.Stat(filepath.Join(dir, "onward")); err != nil {
			t.Errorf("make install, %s: no onward in the expected directory: %v", name, err)
		}
		if hint := "export PATH=\"" + dir + ":$PATH\"\n"; strings.HasSuffix(string(out), hint) != c.hints {
			t.Errorf("%s: want the hint %s %v:\n%s", name, hint, c.hints, out)
		}
	}
}
