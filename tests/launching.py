"""Commands as a person starts them, in processes of their own."""

import subprocess
import sys


def launch(program: str, command: str, *arguments, processes: int = 1) -> subprocess.CompletedProcess:
    """`python -m PROGRAM COMMAND ARGUMENTS`, under torchrun where there are several processes, on a free port."""
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(processes)]
    started = [sys.executable, *(torchrun if processes > 1 else []), "-m", program, command]
    return subprocess.run([*started, *map(str, arguments)], capture_output=True, text=True, timeout=300)
