package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"time"
)

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
