"""Renders the migrations of a Django project as PostgreSQL SQL, offline.

    python render.py REQUEST.json ANSWER.json

REQUEST is one JSON object:

    project   directory that holds manage.py
    root      paths in the answer are relative to it (default: project)
    settings  settings module; empty: whatever manage.py or the environment says
    pg        major version to render for (default 16)
    applied   [[app, name], ...] migrations that the deployed database has;
              null: all of them. Only decides how squashed migrations count
    want      [[app, name], ...] migrations whose SQL is answered; null: all
    moved     [from, to]: search-path entries below `from` are read below `to`
              (another revision of the tree, unpacked elsewhere)
    tables    true: answer the tables that are there in the end (for tests)
    stand_in  ["markdown", "package.module:name"]: what cannot be imported and is
              stood in for; the answer has the models alone
    bytecode  directory for byte code; empty: none is kept
    replaced  [[app, name], ...] migrations that others are to take the place of;
              the answer is what is written in those alone
    whole     true: render every state whole, as Django does (slow; for tests)

ANSWER is written as one JSON document. It never goes to stdout, because
projects print there. Nothing ever connects to a database.
"""
import _thread
import faulthandler
import json
import os
import sys
import traceback
from time import sleep

# How often to look where the project is, in seconds.
_LOOK = 2


def watch(thread, path, root):
    """Keeps in a file where a thread is, innermost first, and how often each look found it at which place of the
    project: a project may wait for a service without end, or take long.

    It is a thread of Python's that looks. faulthandler's own timer reads frames
    while they change, and ends Python with SIGSEGV now and then.
    """
    looks, counts, below = 0, {}, os.path.join(root, "")
    while True:
        sleep(_LOOK)
        places, frame, own = [], sys._current_frames().get(thread), None
        while frame is not None and len(places) < 1000:
            name = frame.f_code.co_filename
            places.append([name, frame.f_lineno or 0, frame.f_code.co_name])
            if own is None and name.startswith(below) and "site-packages" not in name:
                own = tuple(places[-1])
            frame = frame.f_back
        looks += 1
        counts[own] = counts.get(own, 0) + 1
        counts.pop(None, None)
        most = max(counts, key=counts.get, default=None)
        try:
            with open(path + ".new", "w", encoding="utf-8") as file:
                json.dump({"places": places, "looks": looks, "most": most, "times": counts.get(most, 0)}, file)
            os.replace(path + ".new", path)
        except OSError:
            return


def bound():
    """Keeps a crash from leaving a core dump in the user's tree."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    except (ImportError, ValueError, OSError):
        pass  # not on Unix


def main(argv):
    request_path, answer_path = argv[1], argv[2]
    with open(request_path, encoding="utf-8") as file:
        request = json.load(file)
    bound()
    faulthandler.enable(all_threads=False)  # says where a crash was
    # Not threading's: a project may count the threads, or put others in their place.
    root = os.path.realpath(request.get("root") or request["project"])
    _thread.start_new_thread(watch, (_thread.get_ident(), answer_path + ".where", root))
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:1] = [here]
    from onward_django import bytecode, project

    sys.path.remove(here)
    if request.get("bytecode"):
        bytecode.keep(request["bytecode"], [root, here])
    try:
        answer = project.answer(request)
    except project.Failure as failure:
        answer = {"error": failure.as_json()}
    except BaseException as error:  # a project may even call sys.exit()
        answer = {
            "error": {
                "kind": "render",
                "message": project.last_line(error),
                "traceback": traceback.format_exc()[-8000:],
            }
        }
    with open(answer_path, "w", encoding="utf-8", errors="backslashreplace") as file:
        json.dump(answer, file, ensure_ascii=False)
    sys.stdout.flush()
    # Projects start threads and register exit hooks that talk to services.
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv)
