from ansible_collections.muster.aws.tests.trust.test_fault_matrix import *
from ansible_collections.muster.aws.tests.trust.test_fault_matrix import FAULTS
def test_dbg(emulator, run_module, clock):
    for place in PLACES:
        if place.operation in ("EnableSecurityHub","DisassociateFromAdministratorAccount"):
            fault=[f for f in FAULTS if f.name=="reset after the effect, once"][0]
            cell=Cell(emulator,run_module,clock,place); cell.set_up(); cell.strike(fault)
            r=cell.play()
            print(place, [(c.operation,c.region[:2],c.account_id[:3],c.fault,c.error_code) for c in cell.calls if c.operation==place.operation])
            print([(x["region"],x["account_id"],x["outcome"],x["actions"]) for x in rows_of(r)])
