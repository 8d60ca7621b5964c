//go:build linux && amd64

package sandbox

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/onward-sql/onward/internal/component"
	"github.com/onward-sql/onward/internal/rotation"
)

// machineVariable names the machine that a run of these tests pretends to be on, and nobody is its ordinary user.
const (
	machineVariable = "ONWARD_SANDBOX_TEST_MACHINE"
	nobody          = 65534
)

// Machines where only bwrap makes namespaces.
const (
	// bwrapAllowed refuses this program alone, as AppArmor does with a profile for bwrap.
	bwrapAllowed = "a kernel that allows bwrap only"
	// rootWithout and setuidBwrap have no user namespaces.
	rootWithout = "root without user namespaces"
	setuidBwrap = "an ordinary user with a setuid bwrap, without user namespaces"
)

func init() { enterMachine = enterTestMachine }

// enterTestMachine makes this process, or the one that it becomes, run the tests on a machine where only bwrap makes namespaces.
func enterTestMachine() {
	machine := os.Getenv(machineVariable)
	switch machine {
	case "":
		return
	case bwrapAllowed:
		ownRefusal = unix.EPERM
		return
	case rootWithout, setuidBwrap:
		if os.Getenv("ONWARD_SANDBOX_TEST_ENTERED") != "" {
			return
		}
	}
	if err := becomeMachine(machine); err != nil {
		fmt.Fprintln(os.Stderr, machine, err)
		os.Exit(1)
	}
}

// becomeMachine forbids user namespaces in the one that this process is root of, and starts the tests there.
func becomeMachine(machine string) error {
	if err := os.WriteFile("/proc/sys/user/max_user_namespaces", []byte("0"), 0o644); err != nil {
		return err
	}
	if machine == setuidBwrap {
		if err := mountSetuid(bwrapPath); err != nil {
			return err
		}
		if err := errors.Join(syscall.Setgroups(nil), syscall.Setgid(nobody), syscall.Setuid(nobody)); err != nil {
			return err
		}
	}
	return syscall.Exec("/proc/self/exe", os.Args, append(os.Environ(), "ONWARD_SANDBOX_TEST_ENTERED=1"))
}

// mountSetuid puts a copy of a program that has the rights of root in the program's place.
func mountSetuid(program string) error {
	place := os.TempDir() + "/setuid"
	if err := errors.Join(os.Mkdir(place, 0o755), unix.Mount("tmpfs", place, "tmpfs", 0, "mode=0755")); err != nil {
		return err
	}
	in, err := os.Open(program)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(place+"/program", os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		return err
	}
	return errors.Join(out.Close(), os.Chmod(place+"/program", 0o755|os.ModeSetuid), unix.Mount(place+"/program", program, "", unix.MS_BIND, ""))
}

// Where only bwrap makes namespaces, the tests of both walls hold through it: as root, as an ordinary user, and with a setuid bwrap.
func TestBwrap(t *testing.T) {
	t.Parallel()
	_, err := requireOnlyRootCanChange(bwrapPath)
	component.Need(t, component.Bwrap, err)
	if os.Getenv(machineVariable) != "" { // on such a machine
		if bwrap, err := chooseNamespaces(); !bwrap || err != nil {
			t.Errorf("bwrap makes no namespaces: %v", err)
		}
		return
	}
	findPython(t)
	dir, err := os.MkdirTemp("", "bwrap") // t.TempDir is closed to other users
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	program := filepath.Join(dir, "tests")
	executable, err := os.ReadFile("/proc/self/exe")
	if err == nil {
		err = errors.Join(os.Chmod(dir, 0o755), os.WriteFile(program, executable, 0o755))
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, machine := range rotation.Pick(t, 1, []string{bwrapAllowed, rootWithout, setuidBwrap}) {
		t.Run(machine, func(t *testing.T) {
			t.Parallel()
			if machine != bwrapAllowed && os.Geteuid() != 0 {
				component.Need(t, component.Root, errors.New("it takes a namespace with all users"))
			}
			checkMachine(t, machine, dir, program)
		})
	}
}

func checkMachine(t *testing.T, machine, dir, program string) {
	home, err := os.MkdirTemp(dir, "home")
	if err != nil {
		t.Fatal(err)
	}
	tests := []string{
		"TestBwrap", "TestNamespaces", "TestNamespacesEnd", "TestPrivateSize",
		"TestAttempts", "TestWork", "TestOthersStay", "TestLimits", "TestMark", "TestStartFails",
	}
	cmd := exec.CommandContext(t.Context(), program, "-test.v", "-test.parallel=2", "-test.run=^("+strings.Join(tests, "|")+")$")
	cmd.Dir = home
	cmd.Env = append(os.Environ(), machineVariable+"="+machine, "HOME="+home, "TMPDIR="+home)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if machine != bwrapAllowed {
		all := []syscall.SysProcIDMap{{Size: nobody + 1}}
		cmd.SysProcAttr.Cloneflags = unix.CLONE_NEWUSER | unix.CLONE_NEWNS
		cmd.SysProcAttr.UidMappings, cmd.SysProcAttr.GidMappings = all, all
		cmd.SysProcAttr.GidMappingsEnableSetgroups = true
	}
	if machine != rootWithout && os.Geteuid() == 0 {
		if err := os.Chown(home, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	if machine == bwrapAllowed && os.Geteuid() == 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	}
	// The kernel sends Pdeathsig when the thread ends that started the program, and threads of other tests end.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("run the sandbox tests on machine %q: %v\n%s", machine, err, out)
	}
	for _, name := range tests {
		if !strings.Contains(string(out), "\n--- PASS: "+name+" ") {
			t.Errorf("%s has not passed\n%s", name, out)
		}
	}
}

// Only a program that is root's, in directories that only root can write, counts as bwrap.
func TestBwrapIsTheSystems(t *testing.T) {
	t.Parallel()
	if _, err := requireOnlyRootCanChange("/bin/sh/none"); err == nil {
		t.Error("a program that is not there")
	}
	dir := t.TempDir()
	everybodys := filepath.Join(dir, "everybodys")
	program := filepath.Join(everybodys, "bwrap")
	if err := errors.Join(os.Mkdir(everybodys, 0o755), os.WriteFile(program, nil, 0o755), os.Chmod(program, 0o755), os.Chmod(everybodys, 0o777)); err != nil {
		t.Fatal(err)
	}
	changeable := everybodys
	if os.Geteuid() != 0 {
		changeable = program // it is this user's
	}
	if _, err := requireOnlyRootCanChange(program); err == nil || !strings.HasSuffix(err.Error(), "others than root may change "+changeable) {
		t.Errorf("a program in a directory of everybody's: %v", err)
	}
	real, err := filepath.EvalSymlinks("/usr/bin/env")
	if err != nil {
		t.Fatal(err)
	}
	if info, err := requireOnlyRootCanChange(real); err != nil || !info.Mode().IsRegular() {
		t.Errorf("checkOwner(%q) = %v, %v, want a regular file", real, info, err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(real, link); err != nil {
		t.Fatal(err)
	}
	if _, err := requireOnlyRootCanChange(link); err == nil || !strings.Contains(err.Error(), "may change "+link) {
		t.Errorf("a link: %v", err)
	}
}

// A root with more parts than bwrap takes is an error before anything of it is made: the command then has the rules alone.
func TestManyMounts(t *testing.T) {
	t.Parallel()
	info, err := os.Stat("/bin/sh")
	if err != nil {
		t.Fatal(err)
	}
	few, manyMounts := root{}, root{}
	for i := range 5000 {
		m := mount{fmt.Sprintf("/etc/%d", i), emptyDirectory}
		if manyMounts.Mounts = append(manyMounts.Mounts, m); i < 100 {
			few.Mounts = append(few.Mounts, m)
		}
	}
	if _, err := manyMounts.listBwrapArguments(info); !errors.Is(err, errManyMounts) {
		t.Errorf("many: %v", err)
	}
	if list, err := few.listBwrapArguments(info); err != nil || len(list) < 200 {
		t.Errorf("few: %v, %d arguments", err, len(list))
	}
}
