// Command packaging makes what npm and pip install, from the programs of a release.
//
//	go run ./packaging dist/release
//
// It writes npm/*.tgz and pypi/*.whl into that directory. The npm package onward has a package for each platform as an optional dependency, and
// npm installs the one for the machine. A wheel is for one platform. The same programs make the same bytes: no file has a time of its own.
package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// Names of the packages, and their homepage.
const (
	npmName   = "@onward-sql/onward"
	wheelName = "onward_sql"
	homepage  = "https://github.com/onward-sql/onward"
	summary   = "What a branch does to the database, and whether the deploy survives it"
	spdx      = "Apache-2.0" // the license
)

//go:embed README.md
var readme []byte

// platform is a system and a processor for which there is a program, with their names in each ecosystem.
type platform struct {
	goos, goarch    string
	npmOS, npmCPU   string
	wheel           string // the platforms' tags of a wheel
	programFileName string
}

// platforms has each platform of .goreleaser.yaml. The programs need no C library, so that a wheel for Linux is one for glibc and for musl. Go's own
// oldest macOS is 12.
var platforms = []platform{
	{"linux", "amd64", "linux", "x64", "manylinux2014_x86_64.manylinux_2_17_x86_64.musllinux_1_1_x86_64", "onward"},
	{"linux", "arm64", "linux", "arm64", "manylinux2014_aarch64.manylinux_2_17_aarch64.musllinux_1_1_aarch64", "onward"},
	{"darwin", "amd64", "darwin", "x64", "macosx_12_0_x86_64", "onward"},
	{"darwin", "arm64", "darwin", "arm64", "macosx_12_0_arm64", "onward"},
	{"windows", "amd64", "win32", "x64", "win_amd64", "onward.exe"},
	{"windows", "arm64", "win32", "arm64", "win_arm64", "onward.exe"},
}

// program is a program of the release.
type program struct {
	platform
	content []byte
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: packaging DIRECTORY, such as dist/release")
		os.Exit(2)
	}
	if err := makePackages(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "packaging:", err)
		os.Exit(3)
	}
}

// makePackages makes the packages of the release in a directory of goreleaser's.
func makePackages(dist string) error {
	version, programs, err := readRelease(dist)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(dist, "../../LICENSE"))
	if err != nil {
		return err
	}
	for _, dir := range []string{"npm", "pypi"} {
		if err := os.RemoveAll(filepath.Join(dist, dir)); err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Join(dist, dir), 0o755); err != nil {
			return err
		}
	}
	if err := writeNPM(filepath.Join(dist, "npm"), version, programs, text); err != nil {
		return err
	}
	for _, p := range programs {
		if err := writeWheel(filepath.Join(dist, "pypi"), version, &p, text); err != nil {
			return err
		}
	}
	return nil
}

// readRelease reads the version and the programs from what goreleaser says of its directory.
func readRelease(dist string) (version string, list []program, err error) {
	var meta struct{ Version string }
	if err := readJSON(filepath.Join(dist, "metadata.json"), &meta); err != nil {
		return "", nil, err
	}
	var artifacts []struct{ Type, Goos, Goarch, Path string }
	if err := readJSON(filepath.Join(dist, "artifacts.json"), &artifacts); err != nil {
		return "", nil, err
	}
	for _, p := range platforms {
		for _, a := range artifacts {
			if a.Type != "Binary" || a.Goos != p.goos || a.Goarch != p.goarch {
				continue
			}
			// The path begins at the directory in which goreleaser ran.
			content, err := os.ReadFile(filepath.Join(dist, filepath.Base(filepath.Dir(a.Path)), filepath.Base(a.Path)))
			if err != nil {
				return "", nil, err
			}
			list = append(list, program{p, content})
		}
	}
	if len(list) == 0 || meta.Version == "" {
		return "", nil, fmt.Errorf("%s has no programs of a release: make snapshot makes one", dist)
	}
	return meta.Version, list, nil
}

func readJSON(path string, to any) error {
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, to)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

//go:embed npm/onward.js
var shim []byte

// packedAt is the time that npm itself gives to each file of a package.
var packedAt = time.Date(1985, time.October, 26, 8, 15, 0, 0, time.UTC)

// file is a file of a package.
type file struct {
	name    string
	content []byte
	mode    int64
}

// packageJSON is the manifest of an npm package.
type packageJSON struct {
	Name        string            `json:"name"`
	Version     string            `json:"version"`
	Description string            `json:"description"`
	License     string            `json:"license"`
	Homepage    string            `json:"homepage"`
	Repository  map[string]string `json:"repository"`
	Bin         map[string]string `json:"bin,omitempty"`
	OS          []string          `json:"os,omitempty"`
	CPU         []string          `json:"cpu,omitempty"`
	// PreferUnplugged asks Yarn to unpack the package: a program in an archive cannot run.
	PreferUnplugged      bool              `json:"preferUnplugged,omitempty"`
	Engines              map[string]string `json:"engines,omitempty"`
	OptionalDependencies map[string]string `json:"optionalDependencies,omitempty"`
}

// writeNPM writes the package that people install, and one for each platform.
func writeNPM(dir, version string, programs []program, license []byte) error {
	manifest := func(name string) packageJSON {
		return packageJSON{
			Name: name, Version: version, Description: summary, License: spdx, Homepage: homepage,
			Repository: map[string]string{"type": "git", "url": "git+" + homepage + ".git"},
		}
	}
	first := manifest(npmName)
	first.Bin = map[string]string{"onward": "bin/onward.js"}
	first.Engines = map[string]string{"node": ">=16"}
	first.OptionalDependencies = map[string]string{}
	for _, p := range platforms { // all of them, also if this release was made for one machine
		first.OptionalDependencies[p.npmPackageName()] = version
	}
	if err := writeNPMTarball(dir, first, license, file{"bin/onward.js", shim, 0o755}); err != nil {
		return err
	}
	for _, p := range programs {
		m := manifest(p.npmPackageName())
		m.Description = "The program of " + npmName + " for " + p.npmOS + " on " + p.npmCPU
		m.OS, m.CPU, m.PreferUnplugged = []string{p.npmOS}, []string{p.npmCPU}, true
		if err := writeNPMTarball(dir, m, license, file{"bin/" + p.programFileName, p.content, 0o755}); err != nil {
			return err
		}
	}
	return nil
}

func (p *platform) npmPackageName() string { return npmName + "-" + p.npmOS + "-" + p.npmCPU }

// writeNPMTarball writes a package as npm pack does: NAME-VERSION.tgz, with its files below package/.
func writeNPMTarball(dir string, m packageJSON, license []byte, more ...file) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	var b bytes.Buffer
	packed := gzip.NewWriter(&b)
	w := tar.NewWriter(packed)
	for _, f := range append([]file{{"package.json", append(text, '\n'), 0o644}, {"README.md", readme, 0o644}, {"LICENSE", license, 0o644}}, more...) {
		h := &tar.Header{Name: "package/" + f.name, Mode: f.mode, Size: int64(len(f.content)), ModTime: packedAt, Format: tar.FormatUSTAR}
		if err := w.WriteHeader(h); err != nil {
			return err
		}
		if _, err := w.Write(f.content); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	if err := packed.Close(); err != nil {
		return err
	}
	name := strings.ReplaceAll(strings.TrimPrefix(m.Name, "@"), "/", "-") + "-" + m.Version + ".tgz"
	return os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o644)
}

// zippedAt is the first time that a ZIP archive can hold.
var zippedAt = time.Date(1980, time.January, 1, 0, 0, 0, 0, time.UTC)

// writeWheel writes the wheel of a platform: the program, as a script that pip copies to where Python's programs are.
func writeWheel(dir, version string, p *program, license []byte) error {
	version, err := pythonVersion(version)
	if err != nil {
		return err
	}
	stem := wheelName + "-" + version
	var tags strings.Builder
	for tag := range strings.SplitSeq(p.wheel, ".") {
		fmt.Fprintf(&tags, "Tag: py3-none-%s\n", tag)
	}
	metadata := "Metadata-Version: 2.1\nName: " + strings.ReplaceAll(wheelName, "_", "-") + "\nVersion: " + version + "\nSummary: " + summary +
		"\nHome-page: " + homepage + "\nLicense: " + spdx + "\nLicense-File: LICENSE\nRequires-Python: >=3.7\n" +
		"Description-Content-Type: text/markdown\n\n" + string(readme)
	files := []file{
		{stem + ".data/scripts/" + p.programFileName, p.content, 0o755},
		{stem + ".dist-info/LICENSE", license, 0o644},
		{stem + ".dist-info/METADATA", []byte(metadata), 0o644},
		{stem + ".dist-info/WHEEL", []byte("Wheel-Version: 1.0\nGenerator: onward\nRoot-Is-Purelib: false\n" + tags.String()), 0o644},
	}
	var record strings.Builder
	for _, f := range files {
		sum := sha256.Sum256(f.content)
		fmt.Fprintf(&record, "%s,sha256=%s,%d\n", f.name, base64.RawURLEncoding.EncodeToString(sum[:]), len(f.content))
	}
	record.WriteString(stem + ".dist-info/RECORD,,\n")
	files = append(files, file{stem + ".dist-info/RECORD", []byte(record.String()), 0o644})
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range files {
		h := &zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: zippedAt}
		h.SetMode(os.FileMode(f.mode))
		to, err := w.CreateHeader(h)
		if err != nil {
			return err
		}
		if _, err := io.Copy(to, bytes.NewReader(f.content)); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, stem+"-py3-none-"+p.wheel+".whl"), b.Bytes(), 0o644)
}

// semver is a release's version, with what may follow it.
var semver = regexp.MustCompile(`^(\d+\.\d+\.\d+)(?:-(alpha|beta|rc)\.?(\d+)|-([0-9A-Za-z.-]+))?$`)

// pythonVersion is a version as Python writes it: 1.2.3, 1.2.3rc1, or 1.2.3.dev0+snapshot.1a2b3c of what is no release.
func pythonVersion(version string) (string, error) {
	m := semver.FindStringSubmatch(version)
	switch {
	case m == nil:
		return "", fmt.Errorf("the version %q is none that Python has", version)
	case m[2] != "":
		return m[1] + map[string]string{"alpha": "a", "beta": "b", "rc": "rc"}[m[2]] + m[3], nil
	case m[4] != "":
		return m[1] + ".dev0+" + strings.Trim(regexp.MustCompile(`[^0-9a-z]+`).ReplaceAllString(strings.ToLower(m[4]), "."), "."), nil
	}
	return m[1], nil
}
