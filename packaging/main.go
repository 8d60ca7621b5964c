// Command packaging makes what npm and pip install, from the programs of a release.
//
//	go run ./packaging dist/release
//
// It writes npm/*.tgz and pypi/*.whl into that directory. The npm package onward has a package for each platform as an optional dependency, and
// npm installs the one for the machine. A wheel is for one platform. The same programs make the same bytes: no file has a time of its own.
package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
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
