"""Run by precision.py: prints precision, records/s and the kernels of the matrix products, under the environment of this process."""

import time
from collections import Counter

from benchmarks.texts import sample_texts
from cxnlp.encoder import ShippedEncoder
from cxnlp.settings import Settings


def main() -> None:
    """Print a line for each precision."""
    texts = sample_texts()[:100]
    for precision in ("f32", "int8"):
        encoder = ShippedEncoder(Settings().models_dir / "encoder", precision=precision)
        list(encoder.states(texts[:16]))
        start = time.perf_counter()
        list(encoder.states(texts))
        rate = len(texts) / (time.perf_counter() - start)
        operations = encoder.compiled.get_runtime_model().get_ops()
        kernels = Counter(
            str(op.get_rt_info()["primitiveType"].astype(str)) for op in operations if op.get_rt_info()["layerType"].astype(str) == "FullyConnected"
        )
        print(f"{precision}\t{rate}\t{', '.join(kernels)}")


if __name__ == "__main__":
    main()
