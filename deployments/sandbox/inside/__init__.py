"""A worker of the sandbox, from inside: a process that has Python loaded, and copies itself for each program. Law: the
standard library alone, and no secret of ours in memory: a program is a copy of this process.

__main__    a request, a reply
watch       a program from outside: pipes, limits, its end
rooms       what it can see, and how all of it is gone afterwards
box         its first process, and how it becomes the program
python      Python in a process that has it loaded
served      checks and a solution in two processes
calls       the system calls that are refused
kernel      calls that Python has no function for
processes   what the kernel says about its processes
requests    what a worker is asked, and how it answers
"""
