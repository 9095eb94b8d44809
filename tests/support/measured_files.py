"""Small files of every format that is imported, written for the tests."""

import json

LPARSTAT = """\
# lparstat -h 5 3

System configuration: type=Shared mode=Uncapped smt=4 lcpu=8 mem=4096MB psize=16 ent=0.50

%user  %sys  %wait  %idle physc %entc  lbusy   app  vcsw phint  %hypv hcalls  %nsp
----- ----- ------ ------ ----- ----- ------   --- ----- -----  ----- ------ -----
 20.0  10.0    0.0   70.0  0.25  50.0    4.0 12.50   900     5   10.0   1200   101
 60.0  20.0    0.0   20.0  1.00 200.0   30.0 11.00  1500     9    2.0   5000   101
 60,0  20,0    0,0   20,0  1,00 200,0   30,0 11,00  1500     9    2,0   5000   101
 60.0  20.0    0.0
 60.0  20.0    0.0   20.0  n/a  200.0   30.0 11.00  1500     9    2.0   5000   101
"""
CALLS = """\
System configuration: type=Shared mode=Uncapped smt=On lcpu=4 mem=1024MB psize=16 ent=1
           Detailed information on Hypervisor Calls

Hypervisor     Number of    %Total Time   %Hypervisor   Avg Call    Max Call
  Call           Calls         Spent      Time Spent    Time(ns)    Time(ns)

remove            10            0.0           0.4       1000        1781
read               0            0.0           0.0          0           0
cede             354           11.9          95.1      67328    39936500
send_crq          20            0.0           0.0       8000        9000
enter             72            0.0           0.2
-------------------------------------------------------------------------
"""
SETTINGS = """\
Node Name                                  : dbnode
Partition Name                             : db
Type                                       : Shared-SMT-4
Mode                                       : Uncapped
Entitled Capacity                          : 0.30
Online Virtual CPUs                        : 2
Online Memory                              : 12288 MB
Variable Capacity Weight                   : 40
Active CPUs in Pool                        : 32
Active Physical CPUs in system             : 64
Unallocated Weight                         : 0
Sub Processor Mode                         : -
no name and value
"""
NMON_HEAD = """\
AAA,progname,topas_nmon
AAA,AIX,7.1.3.45
AAA,host,db
AAA,interval,30
BBBC,001,System Model: IBM,8205-E6C
CPU_ALL,CPU Total db,User%,Sys%,Wait%,Idle%,Busy,PhysicalCPUs
LPAR,Logical Partition db,PhysicalCPU,virtualCPUs,logicalCPUs,poolCPUs,entitled,weight,PoolIdle,\
usedAllCPU%,usedPoolCPU%,SharedCPU,Capped,Folded
NET,Network I/O db,en0-read-KB/s,lo0-read-KB/s,en0-write-KB/s,lo0-write-KB/s,
VM,Paging and Virtual Memory,nr_dirty,pgpgin,pgpgout
DISKBUSY,Disk %Busy db,hdisk0,hdisk1
DISKBUSY1,Disk %Busy db,hdisk2
DISKXFER,Disk transfers per second db,hdisk0,hdisk1
PAGE,Paging db,faults,pgin,pgout
"""
NMON = (
    NMON_HEAD
    + """\
ZZZZ,T0001,23:59:30,31-DEC-2015
CPU_ALL,T0001,40.0,20.0,0.0,40.0,,8
LPAR,T0001,0.500,4,8,16,1.00,128,9.50,3.1,3.1,1,0,3
NET,T0001,10.0,1.0,20.0,1.0,
VM,T0001,5,3,4
DISKBUSY,T0001,50.0,0.0
DISKBUSY1,T0001,25.0
DISKXFER,T0001,100.0,0.0
PAGE,T0001,1,2,3
ZZZZ,T0002,00:00:30,01-JAN-2016
CPU_ALL,T0002,50.0,25.0,0.0,25.0,,8
LPAR,T0002,2.000,4,8,16,1.00,128,8.00,3.1,3.1,1,0,1
DISKXFER,T0002,100.0,x
"""
)
DISK = """\
hdisk0          xfer:  %tm_act      bps      tps      bread      bwrtn
                         50.0     16.4K     4.0       12.4K       4.0K
                read:      rps  avgserv  minserv  maxserv   timeouts      fails
                           3.0      8.0      0.1      1.1S           0          0
               write:      wps  avgserv  minserv  maxserv   timeouts      fails
                           1.0      2.0      0.2     90.0           0          0
               queue:  avgtime  mintime  maxtime  avgwqsz    avgsqsz     sqfull
                           0.5      0.0      3.0      0.0        0.0         0.0
"""
IOSTAT = (
    "# iostat -dD hdisk0 10 2\n\nSystem configuration: lcpu=8 drives=1 paths=2 vdisks=2\n\n"
    + DISK
    + "-" * 80
    + "\n"
    + DISK.replace("3.0      8.0 ", "3.0      1.5S")
)
LPARCFG = """\
lparcfg 1.9
serial_number=IBM,021234567
system_type=IBM,9133-55A
partition_id=3
DisWheRotPer=2070000
partition_entitled_capacity=150
pool_capacity=400
capacity_weight=128
capped=0
partition_active_processors=2
shared_processor_mode=1
dispatches=1000
dispatch_dispersions=10
purr=1000000
tbr=9000000
"""
LPARCFG_LATER = (
    LPARCFG.replace("dispatches=1000", "dispatches=3000")
    .replace("purr=1000000", f"purr={1000000 + 1035000000}")
    .replace("tbr=9000000", f"tbr={9000000 + 2070000000}")
)


def hmc_sample(at: str, name: str, cycles: int, capped: int, uncapped: int) -> str:
    """Return a sample as lslparutil prints it."""
    return (
        f"time={at},event_type=sample,resource_type=lpar,sys_time={at},time_cycles={cycles},"
        f"lpar_name={name},lpar_id=6,curr_proc_mode=shared,curr_proc_units=1.5,curr_procs=2,"
        f"curr_sharing_mode=uncap,curr_uncap_weight=128,curr_mem=8192,entitled_cycles=5,"
        f"capped_cycles={capped},uncapped_cycles={uncapped},idle_cycles=7\n"
    )


LSLPARUTIL = (
    hmc_sample("12/12/2013 16:05:00", "app", 3000, 1300, 200)
    + hmc_sample("12/12/2013 16:00:00", "app", 1000, 500, 0)
    + hmc_sample("12/12/2013 16:05:00", "db", 3000, 100, 0)
    + hmc_sample("12/12/2013 16:00:00", "db", 1000, 0, 0)
    + "time=12/12/2013 16:00:00,event_type=sample,resource_type=pool,total_pool_cycles=1\n"
    + "time=12/12/2013 16:00:00,event_type=state_change,resource_type=lpar,lpar_name=db\n"
    + "nothing\n"
)
FIO = {
    "fio version": "fio-3.33",
    "timestamp": 1700000000,
    "jobs": [
        {
            "jobname": "random",
            "job_runtime": 10000,
            "usr_cpu": 5.0,
            "sys_cpu": 20.0,
            "read": {
                "io_bytes": 4096000,
                "runtime": 10000,
                "total_ios": 1000,
                "lat_ns": {"mean": 2000000.0},
                "clat_ns": {"percentile": {"50.000000": 1900000, "99.000000": 9000000}},
            },
            "write": {"io_bytes": 0, "runtime": 0, "total_ios": 0},
            "trim": {},
        }
    ],
    "disk_util": [],
}
IPERF3 = {
    "start": {
        "system_info": "Linux client1 5.10.0 #1 SMP x86_64",
        "timestamp": {"timesecs": 1700000000},
        "test_start": {"protocol": "TCP", "reverse": 0},
    },
    "intervals": [
        {"sum": {"start": 0, "end": 1.0, "seconds": 1.0, "bytes": 1000, "retransmits": 2}},
        {"sum": {"start": 1.0, "end": 2.0, "seconds": 1.0, "bytes": 3000, "retransmits": 0}},
        {},
    ],
    "end": {"cpu_utilization_percent": {"host_user": 10.0, "host_system": 40.0}},
    "server_output_text": "",
}
BY_FORMAT = {
    "lparstat": LPARSTAT,
    "lparstat -i": SETTINGS,
    "nmon": NMON,
    "iostat -D": IOSTAT,
    "lparcfg": LPARCFG,
    "lslparutil": LSLPARUTIL,
    "fio JSON": json.dumps(FIO),
    "iperf3 JSON": json.dumps(IPERF3),
}
